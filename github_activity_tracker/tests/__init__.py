"""Tests of the GitHub tracker, against the sample server."""
