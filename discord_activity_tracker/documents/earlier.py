"""What messages said before they were edited."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from core.trackers import EarlierText
from discord_activity_tracker.documents.lines import message_ids
from discord_activity_tracker.models import Revision


def revisions(external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
    """Earlier contents by external id, the latest first; one statement.

    Revisions that differ from the next one in a preview or an attachment alone are left out: they say the same.
    """
    names = message_ids(external_ids)
    kept = Revision.objects.filter(message_id__in=list(names)).order_by("message_id", "-replaced_at", "-written_at")
    found, next_text = defaultdict[str, list[EarlierText]](list), dict[int, str]()
    rows = kept.values_list("message_id", "content", "written_at", "replaced_at", "message__content")
    for pk, content, written_at, replaced_at, now in rows:
        if content != next_text.get(pk, now):
            found[names[pk]].append(EarlierText(text=content, written_at=written_at, replaced_at=replaced_at))
        next_text[pk] = content
    return found
