"""Compiled loops for large tables on a CPU; each docstring gives the cost of a rating.

Results are the same for any number of threads: work is divided by the data, not by the threads,
and no two parts write to the same array elements.
"""
