"""Read the bot tokens in the settings."""

import hashlib

from django.conf import settings


def bot_tokens() -> list[str]:
    """Return the tokens in DISCORD_BOT_TOKEN and DISCORD_BOT_TOKENS in this order, without duplicates."""
    return list(dict.fromkeys(token for token in (settings.DISCORD_BOT_TOKEN, *settings.DISCORD_BOT_TOKENS) if token))


def token_digest(token: str) -> str:
    """Return a short digest of a token, from which the token cannot be recovered."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]
