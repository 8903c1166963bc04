"""Source against index: what each store counted of each day, and what the cluster holds of it."""
