"""What is usual for a store: when it is open, its calls at each hour, which silence is improbable."""
