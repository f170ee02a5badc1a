"""The documents to search: collected threads and commits, and docstrings of Python's standard library."""

import ast
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.test.utils import override_settings

from core.models import Document
from core.search.documents import Passage, RenderedDocument
from core.trackers import document_sources
from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY
from samples.server import SampleServer

MODULES = (
    *("argparse", "ast", "bisect", "calendar", "codecs", "configparser", "contextlib", "copy", "csv", "dataclasses"),
    *("datetime", "difflib", "enum", "fractions", "functools", "glob", "gzip", "heapq", "inspect", "ipaddress"),
    *("linecache", "locale", "lzma", "mailbox", "mimetypes", "optparse", "pathlib", "pickle", "platform", "queue"),
    *("random", "sched", "shelve", "shutil", "socket", "statistics", "string", "subprocess", "tarfile", "tempfile"),
    *("textwrap", "threading", "timeit", "tokenize", "turtle", "typing", "uuid", "warnings", "weakref", "zipfile"),
)
LONGEST = 4000
"""Maximum number of characters of a docstring. Longer docstrings are cut off, so that documents have similar sizes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Docstring:
    """A docstring, with the name of its module, or of its module and its class or function."""

    name: str
    text: str


def collect_sample() -> None:
    """Collect both sample repositories."""
    with SampleServer() as server:
        settings = {"GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url, "GITHUB_TOKENS": [server.token()]}
        with override_settings(**settings):
            for name in (SAMPLE_REPOSITORY, SECOND_REPOSITORY):
                call_command("collect_github", name, no_sync=True, progress=False, stdout=StringIO())


def collected(scopes: Sequence[str]) -> Iterator[RenderedDocument]:
    """Render and yield all documents of these scopes, except for deleted documents."""
    alive = Document.objects.filter(scope__name__in=scopes, deleted_at=None).order_by("pk")
    for source in document_sources():
        ids = list(alive.filter(source_system=source.source_system).values_list("external_id", flat=True))
        for start in range(0, len(ids), 200):
            yield from source.render(ids[start : start + 200])


def docstrings() -> Iterator[Docstring]:
    """Yield the docstrings of the modules in ``MODULES``, in a fixed order."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for module in MODULES:
        path = next(p for p in (library / f"{module}.py", library / module / "__init__.py") if p.exists())
        yield from _of(ast.parse(path.read_text(encoding="utf-8")), module)


def _of(tree: ast.Module, module: str) -> Iterator[Docstring]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            name = module if isinstance(node, ast.Module) else f"{module}.{node.name}"
            yield Docstring(name=name, text=text[:LONGEST])


def renamed(
    document: RenderedDocument,
    *,
    name: str | None = None,
    title: str | None = None,
    passages: Iterable[Passage] | None = None,
) -> RenderedDocument:
    """Return a copy of a document with another id, title or passages."""
    return RenderedDocument(
        external_id=name or document.external_id,
        kind=document.kind,
        title=document.title if title is None else title,
        url=document.url,
        author=document.author,
        occurred_at=document.occurred_at,
        passages=document.passages if passages is None else list(passages),
    )
