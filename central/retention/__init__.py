"""How long calls and rows stay: which months are over, and the policy where the cluster can keep to one."""
