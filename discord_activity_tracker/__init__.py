"""Collect the messages of Discord guilds with bot tokens. The tracker uses only the REST API, not the gateway."""
