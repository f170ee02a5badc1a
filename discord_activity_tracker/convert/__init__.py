"""Convert payloads to rows and records.

All functions of this package are pure: they send no requests and use no clock or database.
"""
