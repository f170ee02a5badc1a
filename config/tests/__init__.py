"""Tests of the configuration and of the project as a whole."""
