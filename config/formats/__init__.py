"""Formats of dates and times in all pages, by language."""
