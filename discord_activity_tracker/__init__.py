"""Collect the messages of Discord guilds with a bot token. Only the REST API is used."""
