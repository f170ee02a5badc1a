"""Test of the migration that renews the search texts of stored messages."""

from importlib import import_module

import pytest
from django.apps import apps

from core.models import Chunk, IndexEntry
from core.search.sync import sync
from discord_activity_tracker.documents.source import DiscordDocuments
from tests.support.discord_fixtures import at, make_guild, message, store

pytestmark = pytest.mark.django_db
BOX = {"components": [{"type": 17, "components": [{"type": 10, "content": "Release notes"}]}]}


def test_conversations_without_text_are_rendered_again() -> None:
    make_guild()
    store([message(at(0), "", **BOX), message(at(100), "", attachments=[{"id": "1", "filename": "x.png"}])])
    store([message(at(200), "words")])
    sync([DiscordDocuments()])
    Chunk.objects.filter(text="Release notes").delete()
    entry = IndexEntry.objects.filter(document__external_id__endswith=f":{at(0)}")
    entry.update(chunks=0, renderer_version=1, content_hash="")
    entry.get().document.__class__.objects.filter(pk=entry.get().document_id).update(renderer_version=1)
    import_module("discord_activity_tracker.migrations.0004_message_lines").renew_lines(apps, None)
    assert list(IndexEntry.objects.exclude(state="clean").values_list("pk", flat=True)) == [entry.get().pk]
    sync([DiscordDocuments()])
    assert "Release notes" in set(Chunk.objects.values_list("text", flat=True))
    assert not IndexEntry.objects.exclude(state="clean").exists()
