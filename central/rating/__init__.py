"""What calls are expected to cost: the tariffs' file, the rules, and the run over the cluster's calls."""
