"""What calls have to do with each other: who was called back, how many were on a trunk at once."""
