"""Tests of the whole: database, admin, kills, demo."""
