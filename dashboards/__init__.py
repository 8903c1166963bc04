"""The screens: what OpenSearch Dashboards shows, written here and built into `saved_objects/`."""
