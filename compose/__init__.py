"""The stack on one machine: servers, simulated stores, the demo."""
