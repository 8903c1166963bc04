"""The calls in the cluster, for whoever writes something to them at head office."""
