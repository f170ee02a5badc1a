"""What a sync of the search index reports."""

from dataclasses import dataclass

from core.operations.words import duration_in_words, number_of


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What a sync did. ``remaining`` documents wait: time was over, others work on them, or they failed.

    Other processes work on ``held`` of them (``holder`` names one), and ``fresh`` says whether queries find all that
    was written.
    """

    documents: int = 0
    deleted: int = 0
    chunks_embedded: int = 0
    chunks_reused: int = 0
    chunks_sent: int = 0
    failed: int = 0
    held: int = 0
    holder: str = ""
    remaining: int = 0
    fresh: bool = True
    seconds: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing was done, because other processes work on all that waits."""
        return bool(self.held) and not self.documents + self.deleted + self.failed

    def in_words(self) -> str:
        """Return one line for people."""
        if self.idle:
            who = self.holder or "another process"
            return f"{who} is indexing {number_of(self.remaining, 'document')}; nothing was left to do here"
        if not self.documents + self.deleted + self.failed + self.remaining:
            return "up to date, nothing new" + ("" if self.fresh else "; queries do not see all of it yet")
        chunks = f"{number_of(self.chunks_embedded, 'chunk')} embedded, {self.chunks_reused:,} reused"
        parts = [f"{number_of(self.documents, 'document')} indexed ({chunks})"]
        parts += [f"{number_of(self.deleted, 'document')} removed"] if self.deleted else []
        parts += [f"{number_of(self.failed, 'document')} refused"] if self.failed else []
        waiting = self.remaining - self.failed
        parts += [f"{number_of(waiting, 'document')} still to index" + self._because()] if waiting > 0 else []
        parts += [] if self.fresh else ["queries do not see all of it yet"]
        return f"{', '.join(parts)}, {duration_in_words(self.seconds)}"

    def _because(self) -> str:
        return f" ({self.holder} works on {self.held:,})" if self.held and self.holder else ""
