"""Is everything collected in time, and who is told when it is not: status, alerts, messages, metrics, probes."""
