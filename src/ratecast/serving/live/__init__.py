"""The served model and its state: artifacts, acceptance checks, training table."""
