"""Sends each waiting message to Slack once, oldest first.

An attempt is recorded before it is made. An earlier attempt may have succeeded although the process was killed or the
response was lost. Therefore a later attempt first searches the channel for the message's key. Without the permission to
read the channel, this is impossible, and a message may be posted twice.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from core.errors import AccessDenied, CollectorError, NotFound, UnexpectedAnswer
from core.models import Notice
from core.operations.bounds import time_left
from core.operations.slack_ops import Message, SlackClient
from core.runs import scope_lock

logger = logging.getLogger(__name__)
TOO_OLD = timedelta(days=3)
"""Age above which a message is no longer sent, because it is probably outdated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The number of messages that were posted, the number that still wait, and the reason for waiting."""

    posted: int = 0
    waiting: int = 0
    reason: str = ""


def deliver(slack: SlackClient, *, seconds: float) -> Delivery:
    """Post waiting messages for at most ``seconds``.

    Errors from Slack are not raised; the result contains the reason.
    """
    run_left = time_left()
    seconds = seconds if run_left is None else max(0.0, min(seconds, run_left))
    deadline, posted, reason = time.monotonic() + seconds, 0, ""
    with scope_lock("notify", "slack", patience=min(5.0, seconds)) as held:
        if held:
            try:
                for notice in _waiting(deadline):
                    posted += _post(slack, notice)
            except CollectorError as error:
                reason = str(error)
                logger.warning("slack message waits reason=%s", reason)
    waiting = Notice.objects.filter(state=Notice.State.WAITING).count()
    reason = reason or ("the time limit was reached" if held else "another process is posting") if waiting else ""
    return Delivery(posted=posted, waiting=waiting, reason=reason)


def _waiting(deadline: float) -> Iterator[Notice]:
    """Mark messages that are too old as refused, then yield the other waiting messages until ``deadline``."""
    too_old = Notice.objects.filter(state=Notice.State.WAITING, created_at__lt=timezone.now() - TOO_OLD)
    too_old.update(state=Notice.State.REFUSED, last_error="not posted within three days")
    last = 0
    while time.monotonic() < deadline:
        notice = Notice.objects.filter(state=Notice.State.WAITING, pk__gt=last).order_by("pk").first()
        if notice is None:
            return
        last = notice.pk
        yield notice


def _post(slack: SlackClient, notice: Notice) -> bool:
    """Post one message unless the channel already contains it. Returns False if Slack refuses the message.

    Raises CollectorError if Slack cannot be used now.
    """
    row = Notice.objects.filter(pk=notice.pk)
    tried_before = notice.tried_at
    row.update(attempts=F("attempts") + 1, tried_at=Coalesce("tried_at", timezone.now()))
    link = urljoin(f"{settings.ADMIN_URL}/", notice.path.lstrip("/")) if settings.ADMIN_URL and notice.path else ""
    message = Message(title=notice.title, lines=notice.lines, advice=notice.advice, link=link)
    try:
        known = tried_before and _is_there(slack, str(notice.key), tried_before)
        if not known:
            slack.post(settings.SLACK_CHANNEL, message, key=str(notice.key))
    except UnexpectedAnswer as error:  # Slack refuses only this message
        row.update(state=Notice.State.REFUSED, last_error=str(error)[:1000])
        logger.warning("slack message refused id=%s reason=%s", notice.pk, error)
        return False
    except CollectorError as error:
        row.update(last_error=str(error)[:1000])
        raise
    row.update(state=Notice.State.POSTED, posted_at=timezone.now(), last_error="")
    return True


def _is_there(slack: SlackClient, key: str, since: datetime) -> bool:
    try:
        return slack.find(settings.SLACK_CHANNEL, key, since)
    except (AccessDenied, NotFound):  # the bot cannot read the channel, or SLACK_CHANNEL is a name instead of an id
        return False
