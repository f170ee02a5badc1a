"""Tests of the GitHub tracker. They run against the sample server or a stand-in for GitHub."""
