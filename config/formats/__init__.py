"""Formats of dates for the whole product, by language."""
