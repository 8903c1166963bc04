"""Checks the shipped files against the rules that OpenSearch Dashboards imposes, and against our own."""
