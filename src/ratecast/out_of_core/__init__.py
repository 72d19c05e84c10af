"""Fits on tables that do not fit into memory: from Parquet parts, by way of a folder of columns."""
