"""Benchmarks of speed and memory. Speed is a ratio of times that are measured in one run on one machine."""
