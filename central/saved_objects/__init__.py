"""The shipped dashboards: reads their files and puts them into OpenSearch Dashboards."""
