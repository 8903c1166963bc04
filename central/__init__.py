"""What head office runs: installs the cluster and looks after the stores."""
