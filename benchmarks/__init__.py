"""Benchmarks of ratecast and its peers, run by hand."""
