"""Slack: posting messages, and reading channels page by page; slack_sdk is imported here and nowhere else.

slack = open_slack()
slack.post(settings.SLACK_CHANNEL, Message(title="Recovered: github", lines=["owner/name"]), key="...")
for page in slack.history("C0123456789", oldest="1700000000.000000"): ...
"""

from django.conf import settings

from core.operations.slack_ops.client import SlackClient
from core.operations.slack_ops.messages import Message, blocks, escaped

__all__ = ["Message", "SlackClient", "blocks", "escaped", "open_slack"]


def open_slack(*, timeout: float = 10.0, patience: float = 60.0) -> SlackClient:
    """A client with the settings' token. ``timeout``: seconds for a request; ``patience``: those waited for limits."""
    return SlackClient(settings.SLACK_BOT_TOKEN, settings.SLACK_API_BASE, timeout=timeout, patience=patience)
