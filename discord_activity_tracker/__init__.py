"""Collect the messages of Discord guilds with a bot token, through the REST API only."""
