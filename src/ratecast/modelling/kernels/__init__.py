"""Compiled loops for large tables on a CPU; each file says what a rating costs.

All of them give the same answer on any number of threads: work is parted by the data, not by the
threads, and no two parts write to the same numbers.
"""
