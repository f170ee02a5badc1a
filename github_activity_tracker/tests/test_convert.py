"""Tests of the converters. They convert all data that GitHub documents, and set aside data that they cannot convert."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.ingest.records import Page, join_pages
from core.operations.github_ops.git_log import RawCommit, RawDate, RawFile
from github_activity_tracker.convert.commits import convert_commits, with_times
from github_activity_tracker.convert.discussions import convert_discussions
from github_activity_tracker.convert.issues import convert_issue_comments, convert_issues, convert_review_comments
from github_activity_tracker.convert.planning import convert_labels, convert_milestones, convert_releases
from github_activity_tracker.convert.threads import convert_threads
from github_activity_tracker.models import Account, Commit, CommitFile
from github_activity_tracker.tests.test_convert_spoiled import check_record, refused

MOMENTS = st.sampled_from(["2025-03-02T08:10:00Z", "2025-03-02T08:10:00+02:00", "1970-01-01T00:00:00Z"])
TEXTS = st.one_of(st.none(), st.text(max_size=50), st.just("\x00"), st.just("\ud800"), st.just("x" * 70_000))
IDS = st.integers(min_value=1, max_value=2**62)
USERS = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"id": IDS, "login": st.text(min_size=1, max_size=300)},
        optional={"type": st.text(max_size=60), "node_id": st.text(max_size=200), "html_url": st.text(max_size=50)},
    ),
)
POST: dict[str, Any] = {"id": IDS, "user": USERS, "created_at": MOMENTS, "updated_at": MOMENTS}
WORDS = {"author_association": st.text(max_size=60), "node_id": st.text(max_size=200)}
MORE: dict[str, Any] = {"body": TEXTS, "reactions": st.dictionaries(st.text(max_size=9), st.integers(0, 9)), **WORDS}
ISSUES = st.fixed_dictionaries(
    POST | {"number": st.integers(1, 2**31 - 1), "title": st.text(max_size=400), "state": st.text(max_size=50),
            "html_url": st.just("https://github.com/o/r/issues/1")},
    optional=MORE | {
        "state_reason": TEXTS, "closed_at": st.one_of(st.none(), MOMENTS),
        "assignees": st.one_of(st.none(), st.just([])),
        "labels": st.lists(st.one_of(st.text(), st.fixed_dictionaries({"name": TEXTS})), max_size=3),
        "pull_request": st.fixed_dictionaries({}, optional={"merged_at": st.one_of(st.none(), MOMENTS)}),
    },
)  # fmt: skip
COMMENTS = st.fixed_dictionaries(
    POST | {"issue_url": st.just("https://x/issues/12"), "html_url": st.just("https://github.com/o/r/pull/12#x")},
    optional=MORE,
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=4)),
    max_leaves=12,
)


def storable(value: object) -> bool:
    """Return whether PostgreSQL accepts all texts in the value."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return all(storable(k) and storable(v) for k, v in value.items())
    return all(map(storable, value)) if isinstance(value, list) else True


@settings(deadline=None)
@given(st.lists(ISSUES, max_size=3))
def test_every_issue_that_github_describes_is_converted(payloads: list[Any]) -> None:
    page = convert_issues(payloads, 5)
    assert not page.malformed
    assert len(page.records) == len(payloads)
    assert all(storable(record.row) and storable(record.activity.summary) for record in page.records)
    assert all(len(row["login"]) <= 200 for row in page.accounts.values())


@settings(deadline=None)
@given(COMMENTS)
def test_every_comment_that_github_describes_is_converted(payload: Any) -> None:
    page = convert_issue_comments([payload], 5)
    assert [record.row["issue_number"] for record in page.records] == [12]
    assert page.records[0].document == "github:pull_request:5:12"


@settings(deadline=None)
@given(st.lists(ANYTHING, max_size=4))
def test_whatever_comes_is_converted_or_set_aside(payloads: list[Any]) -> None:
    for one in (convert_issues, convert_issue_comments, convert_review_comments):
        page = one(payloads, 5)
        assert len(page.records) + len(page.malformed) == len(payloads)
        assert all(storable(item.payload) and storable(item.reason) for item in page.malformed)
    for kind in ("issue", "pull_request"):
        convert_threads(payloads, 5, kind)
    convert_discussions(payloads, 5)
    convert_labels(payloads, 5)
    convert_milestones(payloads, 5)
    convert_releases(payloads, 5)


EVENT_NODES = st.fixed_dictionaries(
    {"__typename": st.sampled_from(["ClosedEvent", "NeverHeardOfEvent", "LabeledEvent", "PullRequestCommit"]),
     "id": st.text(min_size=1, max_size=20)},
    optional={"createdAt": MOMENTS, "actor": st.none(), "label": st.one_of(st.none(), st.just({"name": "x"}))},
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(EVENT_NODES, max_size=4, unique_by=lambda node: node["id"]))
def test_an_event_of_an_unknown_kind_is_kept_by_its_name(nodes: list[Any]) -> None:
    item = {
        "id": "I_1", "number": 3, "url": "https://github.com/o/r/issues/3", "updatedAt": "2025-01-01T00:00:00Z",
        "timelineItems": {"totalCount": len(nodes), "nodes": nodes},
    }  # fmt: skip
    page = convert_threads([item], 5, "issue")
    assert len(page.events) == len(nodes)
    assert page.whole_timelines == [3]
    unknown = {record.row["event"] for record in page.events}
    assert unknown <= {"closed", "never_heard_of", "labeled", "committed"}


GIT_TEXTS = st.one_of(st.text(max_size=30), st.just("\x00"), st.just("\ud800"), st.just("x" * 70_000))
DATES = st.builds(RawDate, st.integers(-(2**63), 2**63), st.integers(-(2**31), 2**31))
FILES = st.builds(
    RawFile, GIT_TEXTS, st.none() | GIT_TEXTS, st.sampled_from("AMDRCTU"), st.none() | st.integers(0, 100),
    st.just("100644"), st.just("160000"), st.none() | st.integers(0, 2**31 - 1), st.none() | st.integers(0, 10**6),
)  # fmt: skip
ADDRESSES = GIT_TEXTS | st.integers(0, 10**19).map(lambda number: f"{number}+ada@users.noreply.github.com")
COMMITS = st.builds(
    RawCommit, st.just("a" * 64), st.just("b" * 40), st.just(["c" * 64] * 9), GIT_TEXTS, ADDRESSES, DATES, GIT_TEXTS,
    GIT_TEXTS, DATES, GIT_TEXTS, GIT_TEXTS, st.lists(FILES, max_size=1),
)  # fmt: skip


@settings(deadline=None)
@given(COMMITS)
def test_every_commit_that_git_can_hold_becomes_rows_that_fit(commit: RawCommit) -> None:
    page = convert_commits([commit], 5, "https://github.com/o/r")
    assert page.malformed == []
    (record,) = with_times(page.records, {}, datetime(2026, 1, 1, tzinfo=UTC))
    check_record(Commit, record)
    assert all(refused(CommitFile, file) == {} for file in record.children)
    assert all(refused(Account, account) == {} for account in page.accounts.values())
    assert {record.row["author_id"]} - {None} == set(page.accounts)


def page_of(*accounts: tuple[int, str], body: str = "") -> Page:
    """Return a page of comments by the account with id 7. ``accounts`` are pairs of a comment id and the login."""
    address = {"issue_url": "https://x/issues/12", "html_url": "https://github.com/o/r/issues/12#x"}
    times = {"created_at": "2025-03-02T08:10:00Z", "updated_at": "2025-03-02T08:10:00Z"}
    return convert_issue_comments(
        [{"id": pk, "user": {"id": 7, "login": login}, "body": body, **address, **times} for pk, login in accounts], 1
    )


def test_pages_are_joined_in_their_order() -> None:
    whole = join_pages([page_of((3, "ada"), (1, "ada")), page_of(), page_of((2, "ada"))])
    assert whole is not None
    assert [record.row["id"] for record in whole.records] == [3, 1, 2]


def test_pages_that_tell_one_thing_in_two_ways_are_not_joined() -> None:
    assert join_pages([page_of((1, "ada")), page_of((1, "ada"))]) is not None
    assert join_pages([page_of((1, "ada")), page_of((1, "ada"), body="edited")]) is None
    assert join_pages([page_of((1, "ada")), page_of((2, "lovelace"))]) is None
