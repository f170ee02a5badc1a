"""Tests of admin pages with GitHub data: threads, sentences about events in the timeline, and references in texts."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import Activity, Scope
from core.operations.markdown import safe_html
from github_activity_tracker.documents import heads, markup
from github_activity_tracker.documents.lines import event_words
from github_activity_tracker.models import (
    Account,
    Commit,
    Issue,
    IssueComment,
    Repository,
    Review,
    ReviewComment,
    TimelineEvent,
)
from tests.support.activities import make_activity

pytestmark = pytest.mark.django_db
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
SHA = "0123456789abcdef0123456789abcdef01234567"
PULL = "github:pull_request:7:12"


@pytest.fixture(autouse=True)
def repository() -> Repository:
    """Store a pull request with comments, a review and events, one issue and one commit. Return their repository."""
    ann = Account.objects.create(id=3, login="ann-quay", kind="User")
    bot = Account.objects.create(id=4, login="helper[bot]", kind="Bot")
    repo = Repository.objects.create(id=7, full_name="saltmarsh/tide", html_url="https://github.com/saltmarsh/tide")
    Scope.objects.create(source_system="github", external_id="7", name="saltmarsh/tide")
    common: dict[str, Any] = {"repository": repo, "author": ann, "created_at": NOON, "updated_at": NOON}
    Issue.objects.create(
        id=1, number=12, is_pull_request=True, title="Change popup text", state="closed", merged_at=NOON,
        body="Fixes #11.\r\n\r\n- [x] test", labels=["GUI"], reactions={"+1": 2},
        html_url="https://github.com/saltmarsh/tide/pull/12", **common,
    )  # fmt: skip
    Issue.objects.create(id=2, number=11, is_pull_request=False, title="Popup is wrong", state="open", **common)
    IssueComment.objects.create(id=21, issue_number=12, body="> asked\r\n\r\nsee **#11** @ann-quay", **common)
    Review.objects.create(id=31, pull_number=12, state="APPROVED", body="Good", **common)
    remark: dict[str, Any] = {"pull_number": 12, "path": "src/popup.cpp", "diff_hunk": "@@ -1 +1 @@\n-old\n+new"}
    ReviewComment.objects.create(id=41, body="Why?", line=9, reactions={"eyes": 1}, **remark, **common)
    ReviewComment.objects.create(id=42, body="Because", line=9, in_reply_to_id=41, **remark, **common)
    Commit.objects.create(repository=repo, sha=SHA, message="Fix the popup\n\nLong story", committed_at=NOON)
    for n, (event, data) in enumerate(
        [
            ("labeled", {"label": {"name": "GUI"}}),
            ("assigned", {"assignee": {"login": "ann-quay"}}),
            ("merged", {"commit": {"oid": SHA}}),
            ("subscribed", {}),
        ]
    ):
        TimelineEvent.objects.create(
            node_id=f"E{n}", repository=repo, number=12, event=event, actor=ann, data=data, created_at=NOON
        )
    conversation = [
        (PULL, "pull_request", ann), ("github:issue_comment:21", "issue_comment", ann),
        ("github:review:31", "review", ann),
        ("github:review_comment:41", "review_comment", ann), ("github:review_comment:42", "review_comment", bot),
        ("github:event:E0", "event.labeled", ann), ("github:event:E1", "event.assigned", ann),
        ("github:event:E2", "event.merged", ann), ("github:event:E3", "event.subscribed", ann),
    ]  # fmt: skip
    for n, (name, kind, actor) in enumerate(conversation):
        activity(name, kind, actor, n)
    return repo


def activity(name: str, kind: str, actor: Account, minute: int, thread: str = PULL) -> Activity:
    return make_activity(
        source_system="github", external_id=name, scope=Scope.objects.get(), thread=thread,
        activity_type=f"github.{kind}", occurred_at=NOON + timedelta(minutes=minute), actor_external_id=str(actor.pk),
        actor_name=actor.login, summary=f"raw **{kind}** {SHA}", source_url="https://github.com/saltmarsh/tide/pull/12",
    )  # fmt: skip


def seen(html: str) -> str:
    """Return the visible text of a page."""
    words = " ".join(re.sub(r"<[^>]+>", " ", html.partition("<main")[2]).split())
    return words.replace(" ,", ",")


def page(client: Client, name: str, **asked: str) -> str:
    args = ["github"] if name in {"thread", "find"} else []
    answer = client.get(reverse(f"admin:{name}", args=args), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_rows_of_the_timeline_say_what_they_are_about(admin_client: Client) -> None:
    words = seen(page(admin_client, "timeline"))
    for sentence in (
        "ann-quay opened #12 Change popup text", "ann-quay commented on #12 Change popup text",
        "ann-quay approved #12 Change popup text", "commented on the diff of #12 Change popup text at popup.cpp",
        "ann-quay merged #12 Change popup text, assigned ann-quay to it, added the label GUI to it", "12:00 UTC",
        "years ago" if datetime.now(UTC).year > 2026 else "ago",
    ):  # fmt: skip
        assert sentence in words, sentence
    assert "**" not in words
    assert not re.search(r"[0-9a-f]{40}", words)


def test_a_burst_of_events_is_one_row(admin_client: Client) -> None:
    html = page(admin_client, "timeline")
    assert html.count('class="entry') == 7  # five posts, one row for three events, and a subscription
    assert html.count("(opens a new tab)") >= 6


def test_an_issue_that_was_not_read_yet_goes_by_its_number(admin_client: Client) -> None:
    ann = Account.objects.get(pk=3)
    activity("github:issue_comment:99", "issue_comment", ann, 30, "github:issue:7:77")
    assert "commented on #77" in seen(page(admin_client, "timeline"))
    assert "<title>Raw" not in page(admin_client, "thread", id="github:issue:7:77")


def test_a_thread_has_title_number_state_labels_people_and_a_way_to_its_source(admin_client: Client) -> None:
    html = page(admin_client, "thread", id=PULL)
    words = seen(html)
    assert re.search(r"<h1[^>]*><bdi>Change popup text</bdi> <span[^>]*>#12</span></h1>", html)
    for part in (
        "merged",
        "Pull request in",
        "saltmarsh/tide",
        "GUI",
        "Participants ann-quay, helper[bot]",
        "View on GitHub",
    ):
        assert part in words, part


def test_a_thread_shows_diffs_replies_reactions_and_no_subscriptions(admin_client: Client) -> None:
    html = page(admin_client, "thread", id=PULL)
    words = seen(html)
    assert html.count('<pre class="hunk"') == 1  # the reply is on the same lines, so the diff is not repeated
    for part in ("src/popup.cpp, line 9", "-old", "+new", "↳ in reply to ann-quay: Why?", "👀 1", "👍 2", "approved"):
        assert part in words, part
    assert "subscribed" not in words
    assert 'type="checkbox" checked' in html or 'checked="" type="checkbox"' in html or 'checked=""' in html


def test_references_lead_into_the_product(admin_client: Client) -> None:
    html = page(admin_client, "thread", id=PULL)
    assert 'title="Popup is wrong" href="/admin/timeline/github/thread/?id=github%3Aissue%3A7%3A11"' in html
    assert 'href="/admin/timeline/?person=github%3A3"' in html


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("#11", ">#11</a>"), ("GH-11", ">GH-11</a>"), ("saltmarsh/tide#11", ">saltmarsh/tide#11</a>"),
        ("Saltmarsh/Tide#11", ">Saltmarsh/Tide#11</a>"), ("(#11)", ">#11</a>)"), ("#4711", "<p>#4711</p>"),
        ("elsewhere/else#11", "<p>elsewhere/else#11</p>"), ("`#11`", "<code>#11</code>"), ("\\#11", "<p>#11</p>"),
        ("a#11", "<p>a#11</p>"), ("@ann-quay", ">@ann-quay</a>"), ("@nobody-here", "<p>@nobody-here</p>"),
        ("@ANN-QUAY", ">@ANN-QUAY</a>"), ("me@ann-quay.example", "mailto:me@ann-quay.example"),
        ("@ann-quay/team", "<p>@ann-quay/team</p>"),
        (SHA, 'title="Fix the popup" href="/admin/'), (SHA[:9], ">0123456</a>"),
        (f"saltmarsh/tide@{SHA}", ">saltmarsh/tide@0123456</a>"), ("fedcba9876", "<p>fedcba9876</p>"),
        ("https://github.com/saltmarsh/tide/issues/11", ">#11</a>"),
        ("https://github.com/saltmarsh/tide/pull/12#issuecomment-21", "github%3Aissue_comment%3A21"),
        ("https://github.com/saltmarsh/tide/pull/12#discussion_r41", ">#12 (comment)</a>"),
        (f"https://github.com/saltmarsh/tide/commit/{SHA}", ">0123456</a>"),
        ("https://github.com/else/where/pull/5", 'href="https://github.com/else/where/pull/5" rel'),
        ("https://github.com/else/where/pull/5", ">else/where#5</a>"),
        ("[text](https://github.com/saltmarsh/tide/issues/11)", ">text</a>"),
        ("https://github.com/saltmarsh/tide/issues/11/x", "issues/11/x</a>"),
    ],
)  # fmt: skip
def test_a_reference_is_shown_as_on_github(text: str, shown: str) -> None:
    html = safe_html(text, markup([text], "7"))
    assert shown in html, html


def test_references_cost_the_same_however_many_there_are(django_assert_max_num_queries: Any) -> None:
    texts = [f"#{n} @a{n} saltmarsh/tide#{n} {n:07x}abc https://github.com/a/b{n}/pull/{n}" for n in range(1, 60)]
    with django_assert_max_num_queries(6):
        markup(texts, "7")


@pytest.mark.parametrize(
    ("event", "data", "words"),
    [
        ("renamed", {"previousTitle": "Old", "currentTitle": "New"}, ("renamed", "from “Old”")),
        ("closed", {"closer": {"number": 9}}, ("closed", "with #9")),
        ("closed", {"stateReason": "NOT_PLANNED"}, ("closed", "as not planned")),
        ("closed", {"stateReason": "COMPLETED"}, ("closed", "")), ("closed", {}, ("closed", "")),
        ("committed", {"pushed": {"oid": SHA}}, ("pushed 0123456 to", "")),
        ("head_ref_force_pushed", {"beforeCommit": {"oid": SHA}}, ("force-pushed to", "from 0123456 to a commit")),
        ("base_ref_changed", {}, ("changed the base branch of", "from ? to ?")),
        ("cross-referenced", {"source": {"number": 3, "title": "T"}}, ("mentioned", "in #3 T")),
        ("review_requested", {"requestedReviewer": {"__typename": "Team"}}, ("asked a team to review", "")),
        ("invented_tomorrow", {"x": 1}, ("invented tomorrow:", "")),
        ("labeled", {"label": None}, ("added the label to", "")),
    ],
)  # fmt: skip
def test_events_in_words(event: str, data: dict[str, Any], words: tuple[str, str]) -> None:
    assert event_words(event, data) == words


def test_whatever_an_address_holds_costs_nothing() -> None:
    assert heads(["", "t", "github:issue:x:1", "github:issue:1:2:3", "github:nothing:1:1", "discord:x:1:1"]) == {}


def test_pages_of_posts_and_accounts_lead_to_thread_and_github(admin_client: Client) -> None:
    for model, pk, way in (
        ("issue", 1, "/thread/?id=github%3Apull_request%3A7%3A12"), ("issuecomment", 21, "github%3Aissue_comment%3A21"),
        ("review", 31, "github%3Areview%3A31"), ("reviewcomment", 41, "github%3Areview_comment%3A41"),
        ("account", 3, "?person=github%3A3"), ("timelineevent", "E0", "/thread/?id=github%3Apull_request%3A7%3A12"),
        ("repository", 7, "scope=7"),
    ):  # fmt: skip
        html = admin_client.get(reverse(f"admin:github_activity_tracker_{model}_change", args=[pk])).content.decode()
        tools = html.partition('class="object-tools"')[2].partition("</ul>")[0]
        assert way in tools, model
    assert "View on GitHub" in tools


def test_statements_of_a_thread_do_not_grow(admin_client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            page(admin_client, "thread", id=PULL)
        return len(captured)

    before, ann = statements(), Account.objects.get(pk=3)
    for n in range(100, 130):
        IssueComment.objects.create(
            id=n, repository_id=7, author=ann, issue_number=12, body=f"#{n}", created_at=NOON, updated_at=NOON
        )
        activity(f"github:issue_comment:{n}", "issue_comment", ann, n)
    assert statements() <= before + 1
    assert before <= 32


def test_mentions_and_subscriptions_count_in_no_ranking_and_bots_can_be_left_out(admin_client: Client) -> None:
    asked = {"since": "2025-06-01", "until": "2025-06-08"}
    answer = admin_client.get(reverse("admin:index"), asked)
    assert [(row["name"], row["count"]) for row in answer.context["busiest_people"]] == [
        ("ann-quay", 7), ("helper[bot]", 1),
    ]  # fmt: skip
    assert answer.context["busiest_scopes"][0]["count"] == 8
    without = admin_client.get(reverse("admin:index"), asked | {"bots": "without"})
    assert [row["name"] for row in without.context["busiest_people"]] == ["ann-quay"]
    assert "since=2025-05-26&amp;until=2025-06-08" in without.content.decode()
    assert "bots=without" in without.content.decode()
