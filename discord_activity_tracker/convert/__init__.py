"""Convert payloads to rows and records. Pure functions: no request, no clock, no database."""
