"""Tests of the keys of documents: PostgreSQL and Python compute the same key, and lookups use its index."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.models import Document, Scope
from core.search.documents import DocumentMark, document_key, mark_changed, mark_deleted, possible_keys
from core.search.query.results import nearby_passages
from core.search.query.search import _chunks  # pyright: ignore[reportPrivateUsage]
from tests.support.conversation_fixtures import store_document

pytestmark = pytest.mark.django_db
STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80)
"""Any text that PostgreSQL can store."""
FILL = """
    INSERT INTO core_document (source_system, external_id, kind, scope_id, version, title, url, author)
    SELECT 'github', 'github:issue:1:' || n, 'issue', %s, 1, '', '', '' FROM generate_series(1, 3000) AS n;
    INSERT INTO core_chunk (document_id, ordinal, text, prefix, words, url, text_hash)
    SELECT id, 0, '', '', '', '', key FROM core_document;
    ANALYZE core_document, core_chunk;
"""


@given(source=STORABLE.map(lambda text: text[:32]), external_id=STORABLE)
def test_postgresql_and_python_compute_the_same_key(source: str, external_id: str) -> None:
    Document.objects.all().delete()
    scope, _ = Scope.objects.get_or_create(source_system="github", external_id="1", defaults={"name": "a/b"})
    stored = Document.objects.create(source_system=source, external_id=external_id, kind="issue", scope=scope)
    assert stored.key == document_key(source, external_id)


def test_a_text_that_cannot_be_stored_is_the_id_of_no_document() -> None:
    store_document("boat", "Ferry")
    assert not Document.objects.filter(key__in=possible_keys(["\0", "\ud800", "boat\0"])).exists()
    assert Document.objects.filter(key__in=possible_keys(["boat"])).exists()


def test_lookups_by_external_id_use_the_index_of_keys() -> None:
    scope = Scope.objects.create(source_system="github", external_id="1", name="a/b")
    with connection.cursor() as cursor:
        cursor.execute(FILL, [scope.pk])
    name = "github:issue:1:7"
    mark = DocumentMark(source_system="github", external_id=name, kind="issue", scope_id=scope.pk)
    lookups: dict[str, Callable[[], object]] = {
        "mark_changed": lambda: mark_changed([mark]),
        "mark_deleted": lambda: mark_deleted("github", [name], timezone.now()),
        "chunks of a document": lambda: nearby_passages("github", name, 0),
        "chunks by their ids in the index": lambda: _chunks([f"{name}#0000", "github:issue:1:8#0000"]),
    }
    for lookup, run in lookups.items():
        with CaptureQueriesContext(connection) as captured:
            run()
        plan = plan_of(next(query["sql"] for query in captured if "core_document" in query["sql"]))
        assert "document_identity" in plan, (lookup, plan)
        assert not re.search("Seq Scan on core_(document|chunk)", plan), (lookup, plan)


def test_the_list_of_documents_can_be_filtered_by_source(admin_client: Client) -> None:
    store_document("boat", "Ferry")
    scope = Scope.objects.create(source_system="discord", external_id="1/2", name="server/channel")
    other = Document.objects.create(source_system="discord", external_id="tide", kind="conversation", scope=scope)
    address = reverse("admin:core_document_changelist")
    listed = admin_client.get(address, {"source_system": "discord"}).context["cl"].result_list
    assert list(listed) == [other]
    assert not admin_client.get(address, {"source_system": "slack"}).context["cl"].result_list
    assert len(admin_client.get(address).context["cl"].result_list) == 2


def plan_of(statement: str) -> str:
    """Return the plan of a statement, without running it."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + statement.replace("%", "%%"), [])
        return "\n".join(row[0] for row in cursor.fetchall())
