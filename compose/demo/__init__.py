"""``make demo``: a chain of simulated stores, each with its own database and agent, and the first answers."""
