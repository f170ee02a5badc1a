"""Fields of log records, and the redaction of secrets."""
