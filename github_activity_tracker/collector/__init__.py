"""Collects repositories: for each one, stream by stream, fetch, convert and store."""
