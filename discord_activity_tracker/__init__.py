"""Collects what people say in Discord guilds, from a bot token and without a gateway."""
