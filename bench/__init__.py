"""Benchmarks: ratios taken side by side in one run, with CPU time beside them. They never fail a build."""
