"""Requests to GitHub. Each function returns payloads, most of them page by page with the state that covers the page.

Only this package sends requests; it neither converts payloads nor writes rows.
"""
