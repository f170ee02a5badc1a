"""The thread around a hit: what was said before and after, in order."""

from dataclasses import dataclass

from core.models import Chunk
from core.search.chunking import HEAD_JOINT


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A chunk where it stands; ``here`` is the one that was asked for."""

    ordinal: int
    origin: str
    """Author, date and the like."""
    text: str
    url: str
    here: bool


def thread(external_id: str, ordinal: int, *, reach: int = 3) -> list[Said]:
    """The chunk of a live document and up to ``reach`` chunks on either side; empty when there is none."""
    near = Chunk.objects.filter(
        document__external_id=external_id,
        document__deleted_at=None,
        ordinal__gte=ordinal - reach,
        ordinal__lte=ordinal + reach,
    )
    rows = near.order_by("document_id", "ordinal").values_list("ordinal", "document__title", "prefix", "text", "url")
    return [
        Said(ordinal=place, origin=origin(prefix, title), text=text, url=url, here=place == ordinal)
        for place, title, prefix, text, url in rows
    ]


def origin(prefix: str, title: str) -> str:
    """What the head of a chunk says beside the title, which may have been shortened in it."""
    parts = prefix.strip().split(HEAD_JOINT)
    return HEAD_JOINT.join(parts[title.count(HEAD_JOINT) + 1 :] if title.strip() else parts)
