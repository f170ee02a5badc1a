"""Every list in the admin needs only a few queries, and users cannot add rows."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from github_activity_tracker.models import IssueComment, Review
from samples.server import SampleServer
from tests.support.row_snapshots import restore_or_collect

pytestmark = pytest.mark.django_db(transaction=True)
OURS = [m for m in admin.site._registry if m._meta.app_label in {"core", "github_activity_tracker"}]  # pyright: ignore[reportPrivateUsage]
MOST = {"activity": 30}
"""Maximum number of database statements of lists that need more than 14. The list of activities shows sentences, and
trackers look up the names in these sentences."""


@pytest.fixture
def collected(sample_server: SampleServer, settings: Any, tmp_path: Any) -> SampleServer:
    """Collect the sample community, and return its server."""
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = sample_server.url
    settings.GITHUB_TOKENS, settings.WORKSPACE_DIR = [sample_server.token()], tmp_path
    restore_or_collect(
        "github", lambda: call_command("collect_github", sample_server.truth()["full_name"], "--no-sync")
    )
    return sample_server


def test_every_list_opens_with_few_queries(
    collected: SampleServer, admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    for model in OURS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        with django_assert_max_num_queries(MOST.get(str(model._meta.model_name), 14)):
            answer = admin_client.get(address)
        assert answer.status_code == 200, model


def test_lists_show_texts_without_markup(collected: SampleServer, admin_client: Client) -> None:
    bodies = {
        IssueComment: "<!-- hidden -->\r\n> quoted\r\n\r\n**Seen** `here`",
        Review: "<!-- hidden\r\nwords -->\r\n**Seen** `here`",
    }
    for model, body in bodies.items():
        newest: Any = model.objects.latest("created_at")
        model.objects.filter(pk=newest.pk).update(body=body)
        address = reverse(f"admin:github_activity_tracker_{model._meta.model_name}_changelist")
        assert "<bdi>Seen here</bdi>" in admin_client.get(address).content.decode()
    for model in OURS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", admin_client.get(address).content.decode(), re.DOTALL)
        texts = [re.sub(r"<[^>]+>", "", cell) for cell in cells]
        assert [text for text in texts if re.search(r"&lt;!--|&lt;[@#:]|\b[0-9a-f]{40}\b", text)] == [], model


def test_every_search_works(collected: SampleServer, admin_client: Client) -> None:
    for model in OURS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        assert admin_client.get(address, {"q": "7"}).status_code == 200, model


def test_hostile_text_is_shown_as_text(collected: SampleServer, admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:core_activity_changelist"), {"q": "<script>"}).content.decode()
    assert "<script>alert" not in page


def test_nothing_that_mirrors_a_source_can_be_added(admin_client: Client) -> None:
    for model in OURS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
        assert admin_client.get(address).status_code == 403, model


def test_strangers_see_nothing(client: Client) -> None:
    assert client.get(reverse("admin:core_activity_changelist")).status_code == 302
