"""Requests to GitHub. The functions that read streams yield pages of payloads, each with the state that covers it.

Only this package of the tracker sends requests. It does not convert payloads or write rows.
"""
