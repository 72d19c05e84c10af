"""Measured side by side, by hand: what is quick, and how quick."""
