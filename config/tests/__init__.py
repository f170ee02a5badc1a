"""Tests of the whole project: database, admin, kills, demo, documentation."""
