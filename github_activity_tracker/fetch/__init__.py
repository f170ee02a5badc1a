"""Requests to GitHub. Most functions yield pages of payloads, each with the state that covers it.

Only this package sends requests. It does not convert payloads or write rows.
"""
