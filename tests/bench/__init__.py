"""Benchmarks: each a ratio against its limit, measured in the same run on the real servers."""
