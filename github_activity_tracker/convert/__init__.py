"""Converts GitHub's payloads into rows and records. Pure: no I/O, no clock, no database."""
