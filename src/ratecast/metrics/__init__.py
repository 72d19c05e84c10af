"""Metrics of forecasts against the given stars, and paired tests over users."""
