"""Collects repositories. Each stream of a repository is fetched, converted and stored."""
