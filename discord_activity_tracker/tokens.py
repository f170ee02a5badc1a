"""The tokens of the bots, as the settings have them."""

import hashlib

from django.conf import settings


def bot_tokens() -> list[str]:
    """Return the tokens of DISCORD_BOT_TOKEN and DISCORD_BOT_TOKENS, each once, in their order."""
    return list(dict.fromkeys(token for token in (settings.DISCORD_BOT_TOKEN, *settings.DISCORD_BOT_TOKENS) if token))


def token_digest(token: str) -> str:
    """Return a short fingerprint of a token, from which the token cannot be found."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]
