"""The properties of a document that results, filters and the metadata of its vectors contain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from core.db.text import replace_unstorable
from core.models import Document
from core.search.documents import RenderedDocument
from core.search.language import language_of

TITLE_LENGTH, URL_LENGTH, AUTHOR_LENGTH, NUMBER_LENGTH, STATE_LENGTH = 300, 1000, 200, 50, 32
"""Maximum numbers of characters, as the columns of the table have them."""
LABELS, LABEL_LENGTH = 100, 100
"""Maximum number of labels of a document, and of characters of a label. GitHub has the same number of labels, with 50
characters each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The properties of a document, as PostgreSQL stores them. Times are in UTC."""

    title: str = ""
    url: str = ""
    author: str = ""
    occurred_at: datetime | None = None
    number: str = ""
    state: str = ""
    answered: bool | None = None
    labels: tuple[str, ...] = ()
    private: bool = False
    language: str = ""
    changed_at: datetime | None = None

    @classmethod
    def of(cls, source: RenderedDocument | Document) -> "Head":
        """Return the head of a rendered or a stored document. Texts are cut to the length of their columns."""
        language, changed_at = source.language, source.changed_at
        if isinstance(source, RenderedDocument):
            language = language or language_of(passage.text for passage in source.passages)
            changed_at = changed_at or _newest(source)
        return cls(
            title=clip(source.title, TITLE_LENGTH), url=clip(source.url, URL_LENGTH),
            author=clip(source.author, AUTHOR_LENGTH), occurred_at=in_utc(source.occurred_at),
            number=clip(source.number, NUMBER_LENGTH), state=clip(source.state, STATE_LENGTH),
            answered=source.answered, labels=_labels(source.labels), private=source.private,
            language=language if len(language) == 2 else "", changed_at=in_utc(changed_at),
        )  # fmt: skip

    def parts(self) -> list[str]:
        """Return the values as texts that differ for every two different heads."""
        values = [getattr(self, field.name) for field in fields(self)]
        return [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]


def clip(value: str, length: int) -> str:
    """Return the beginning of a text, with U+FFFD instead of characters that PostgreSQL cannot store."""
    return replace_unstorable(value)[:length]


def in_utc(moment: datetime | None) -> datetime | None:
    """Return the same moment in UTC, so that equal moments have the same text."""
    return moment.astimezone(UTC) if moment else None


def _labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the different labels that are not empty, in the same order."""
    clipped = (clip(label, LABEL_LENGTH).strip() for label in labels)
    return tuple(dict.fromkeys(label for label in clipped if label))[:LABELS]


def _newest(document: RenderedDocument) -> datetime | None:
    moments: Iterable[datetime | None] = (document.occurred_at, *(passage.at for passage in document.passages))
    return max((moment.astimezone(UTC) for moment in moments if moment), default=None)
