"""The model that answers now: its state, its artifacts, its training table."""
