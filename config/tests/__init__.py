"""Tests of the whole project: database, admin, interrupted runs, demo and documentation."""
