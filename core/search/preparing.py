"""What each document of a batch should be in the index: rendered and cut, or taken from the kept chunks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.models import Document, IndexEntry
from core.search import texts
from core.search.chunking import CHUNKER_VERSION, cut_all
from core.search.documents import DocumentSource, RenderedDocument
from core.search.embedders import count_tokens
from core.search.texts import Head, Text, text_of
from core.search.writing import Work

CHUNKERS = 1000
"""So many versions of cutting have room beside a renderer's version."""


def renderer_version(source: DocumentSource) -> int:
    """Changes when texts of this source would be rendered, or cut, in another way."""
    return source.renderer_version * CHUNKERS + CHUNKER_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """What is known of a batch before anything is cut: its entries, kept chunks by document, and new renderings."""

    entries: Sequence[IndexEntry]
    kept: Mapping[int, list[Text]]
    rendered: Mapping[int, RenderedDocument]
    versions: Mapping[str, int]
    """Of each source's renderer."""


def prepare(entries: Sequence[IndexEntry], sources: Mapping[str, DocumentSource]) -> list[Work]:
    """The work of each entry, in their order. Documents whose kept chunks are current are not rendered again."""
    return cut(gather(entries, sources))


def gather(entries: Sequence[IndexEntry], sources: Mapping[str, DocumentSource]) -> Gathered:
    """Everything that the database is asked for."""
    versions = {system: renderer_version(source) for system, source in sources.items()}
    stale = [
        entry.document for entry in entries
        if not entry.document.deleted_at and not _is_current(entry.document, versions)
    ]  # fmt: skip
    kept = texts.stored([entry.document_id for entry in entries])
    return Gathered(entries=entries, kept=kept, rendered=_rendered(stale, sources), versions=versions)


def cut(gathered: Gathered) -> list[Work]:
    """The rest, without the database: another thread may do it."""
    rendered, versions = gathered.rendered, gathered.versions
    pieces = cut_all(list(rendered.values()), count_tokens)
    pieces_of = {pk: [text_of(piece) for piece in of] for pk, of in zip(rendered, pieces, strict=True)}
    found: list[Work] = []
    for entry in gathered.entries:
        document, before = entry.document, gathered.kept.get(entry.document_id, [])
        new = rendered.get(document.pk)
        head, after = Head.of(new or document), before
        if document.deleted_at or (not new and not _is_current(document, versions)):
            after = []
        elif new:
            after = pieces_of[document.pk]
        version = versions[document.source_system]
        found.append(Work(entry=entry, head=head, before=before, after=after, renderer_version=version))
    return found


def _is_current(document: Document, versions: Mapping[str, int]) -> bool:
    return (document.chunked_version, document.renderer_version) == (
        document.version,
        versions[document.source_system],
    )


def _rendered(documents: Sequence[Document], sources: Mapping[str, DocumentSource]) -> dict[int, RenderedDocument]:
    found: dict[int, RenderedDocument] = {}
    for system, source in sources.items():
        places = {document.external_id: document.pk for document in documents if document.source_system == system}
        for one in source.render(list(places)) if places else ():
            if one.external_id in places:
                found[places[one.external_id]] = one
    return found
