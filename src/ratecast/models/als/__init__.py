"""Alternating least squares with biases and an exact fold-in."""
