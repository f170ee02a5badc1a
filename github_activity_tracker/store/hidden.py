"""Authors that GitHub did not show this time: what is known of them is not overwritten."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import models

from core.ingest.records import Record
from github_activity_tracker.models import Account
from github_activity_tracker.protocol_impl import HIDDEN


def keep_known_authors(model: type[models.Model], records: Sequence[Record], actor: str = "author_id") -> list[Record]:
    """Return the records, with the stored author of those whose actor an error has hidden.

    ``actor`` is the column of the author's id. Records without a hidden actor cost no query.
    """
    key = str(model._meta.pk.attname)  # pyright: ignore[reportOptionalMemberAccess]  # every model has one
    hidden = [record.row[key] for record in records if record.activity.actor_name == HIDDEN]
    if not hidden:
        return list(records)
    known = dict(model._default_manager.filter(pk__in=hidden).exclude(**{actor: None}).values_list("pk", actor))
    logins = dict(Account.objects.filter(pk__in=known.values()).values_list("pk", "login"))

    def restored(record: Record) -> Record:
        author = known.get(record.row[key])
        if record.activity.actor_name != HIDDEN or author is None:
            return record
        activity = replace(
            record.activity, actor_external_id=str(author), actor_name=logins.get(author, record.activity.actor_name)
        )
        return replace(record, row=record.row | {actor: author}, activity=activity)

    return [restored(record) for record in records]
