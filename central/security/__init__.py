"""The roles that users of the cluster get through OpenSearch Security, and how they are set up."""
