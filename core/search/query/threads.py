"""The thread around a hit: what was said before and after, in order."""

from dataclasses import dataclass
from datetime import datetime

from core.models import Chunk


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A chunk where it stands; ``here`` is the one that was asked for."""

    ordinal: int
    text: str
    author: str
    at: datetime | None
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
    rows = near.order_by("document_id", "ordinal").values_list("ordinal", "text", "author", "occurred_at", "url")
    return [
        Said(ordinal=place, text=text, author=author, at=at, url=url, here=place == ordinal)
        for place, text, author, at, url in rows
    ]
