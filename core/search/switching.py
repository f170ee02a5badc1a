"""Another model: its namespace is filled beside the one that serves, then they change places, then the old one goes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from core.models import Namespace
from core.operations.bounds import earlier_end
from core.search.documents import DocumentSource
from core.search.embedders import get_embedder
from core.search.namespaces import Target, beside, finish_dropping, promote, serving, serving_or_new
from core.search.queue import waiting
from core.search.sync import Progress, fill

PAUSE = 0.5
"""Seconds before documents that others hold are tried again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchResult:
    """``switched``: the model of the settings serves now. ``remaining`` documents are still to be filled in."""

    embedder: str
    switched: bool
    chunks_embedded: int = 0
    chunks_sent: int = 0
    failed: int = 0
    remaining: int = 0
    dropped: int = 0
    seconds: float = 0.0


def switch(
    sources: Sequence[DocumentSource], *, max_seconds: float | None = None, progress: Progress | None = None
) -> SwitchResult:
    """Move the index to the model of the settings; run again to go on where a run stopped.

    Searches and syncs go on meanwhile with the old model. One process at a time: the caller holds a lock.
    """
    began = time.monotonic()
    deadline = earlier_end(None if max_seconds is None else began + max_seconds)
    embedder = get_embedder()
    name = embedder.info.fingerprint
    current = serving()
    if current is None or current.namespace.embedder == name:
        serving_or_new()
        dropped = finish_dropping() + _drop_abandoned()
        return SwitchResult(embedder=name, switched=True, dropped=dropped, seconds=time.monotonic() - began)
    return _switch(beside(embedder, current.namespace), sources, began, deadline, progress)


def _switch(
    new: Target, sources: Sequence[DocumentSource], began: float, deadline: float | None, progress: Progress | None
) -> SwitchResult:
    embedded = sent = failed = dropped = 0
    while True:
        counts = fill(new, sources, deadline, progress)
        embedded, sent = embedded + counts["chunks_embedded"], sent + counts["chunks_sent"]
        failed += counts["failed"]
        left = waiting(new).exclude(state="failed").count()
        if not left or (deadline is not None and time.monotonic() >= deadline):
            break
        time.sleep(PAUSE if not counts["documents"] + counts["deleted"] else 0)
    if not left:
        promote(new.namespace)
        dropped = finish_dropping()
    return SwitchResult(
        embedder=new.namespace.embedder, switched=not left, chunks_embedded=embedded, chunks_sent=sent, failed=failed,
        remaining=waiting(new).count(), dropped=dropped, seconds=time.monotonic() - began,
    )  # fmt: skip


def _drop_abandoned() -> int:
    """A switch that was begun and then called off leaves a namespace that nobody wants."""
    current = serving()
    if current is None:
        return 0
    begun = Namespace.objects.filter(index=current.namespace.index, state=Namespace.State.FILLING)
    return finish_dropping() if begun.update(state=Namespace.State.DROPPING) else 0
