"""Helpers that the tests of several apps share."""
