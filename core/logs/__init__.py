"""What every log record carries, and what it never shows."""
