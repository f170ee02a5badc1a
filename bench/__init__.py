"""Benchmarks of speed, memory and search quality. Most speeds are ratios of two times from the same run."""
