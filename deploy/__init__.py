"""What brings the agent onto a store's machine: how it is built, and how it is installed there."""
