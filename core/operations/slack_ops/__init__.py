"""A client for Slack that posts messages and reads channels page by page. Only this package imports slack_sdk.

Example::

    slack = open_slack()
    slack.post(settings.SLACK_CHANNEL, Message(title="Recovered: github", lines=["owner/name"]), key="...")
    for page in slack.history("C0123456789", oldest="1700000000.000000"): ...
"""

from core.operations.slack_ops.client import SlackClient, open_slack
from core.operations.slack_ops.messages import Message, blocks, escaped

__all__ = ["Message", "SlackClient", "blocks", "escaped", "open_slack"]
