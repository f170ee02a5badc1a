"""Monitoring of collections: status, alerts, messages, metrics and probes."""
