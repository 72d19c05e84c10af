"""Bilinear models: least squares, posterior covariance, pair scores and online updates."""
