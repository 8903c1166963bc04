"""The dashboards as a web page, from the shipped saved objects, where no OpenSearch Dashboards runs."""
