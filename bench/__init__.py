"""Benchmarks: each prints a ratio against the plainest possible code in the same run (``make bench``)."""
