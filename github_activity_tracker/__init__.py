"""Collects what people do in GitHub repositories."""
