"""Tests of the GitHub tracker. They collect from the sample server, or from the twin of GitHub with recorded data."""
