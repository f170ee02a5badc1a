"""Convert payloads to rows and records.

These are pure functions: they send no requests and use no clock or database.
"""
