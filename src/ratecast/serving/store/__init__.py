"""The SQL database of the service."""
