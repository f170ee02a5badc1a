"""Converts GitHub's payloads into rows and records. The functions use no I/O, no clock and no database."""
