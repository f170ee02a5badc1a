"""Tests of the GitHub tracker. They collect from the sample server or from the GitHub twin with recorded data."""
