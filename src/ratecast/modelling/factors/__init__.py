"""Bilinear models: recursive least squares, posterior covariance, pair scores, fold-in."""
