"""Collects the activities of people in GitHub repositories."""
