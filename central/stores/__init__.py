"""The register of stores: its file, what of it is in the cluster, and the names that documents get by it."""
