"""A whole chain at once: separate agents' processes, one gate, one cluster, one day of traffic in minutes."""
