"""Turn the records of a story into the data that GitHub would show at a given time."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from samples.community import long_texts
from samples.community.model import Issue, Pull, Repository

Raw = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """The chosen time (``moment``), and the values that the records of one repository refer to.

    ``accounts`` and ``associations`` are by account key, and ``repositories`` by name. The account key ``nobody``
    stands for null. The ids of the repository's posts start at ``first_id``.
    """

    moment: str
    accounts: dict[str, int | None]
    associations: dict[str, str]
    first_id: int
    repositories: dict[str, int]

    def happened(self, at: str | None) -> bool:
        return at is not None and at <= self.moment


def pseudo_sha(*names: object) -> str:
    """Return an invented commit SHA, for commits that are not in the sample history."""
    return hashlib.sha1("/".join(map(str, names)).encode(), usedforsecurity=False).hexdigest()


def text_of(raw: Raw) -> str | None:
    """Return the body of a record: its text, the result of a function in :mod:`long_texts`, or ``None``."""
    if "made_by" in raw:
        return getattr(long_texts, raw["made_by"])()
    body: str | None = raw.get("body")
    if body is None:
        return None
    body = body.removesuffix("\n")
    return body.replace("\n", "\r\n") if raw.get("crlf") else body


def fold_issue(raw: Raw, repo: Repository, story: Story) -> None:
    """Add an issue or pull request as it was at the chosen time, or record its transfer or deletion."""
    number: int = raw["number"]
    if not story.happened(raw.get("appears_at", raw["at"])):
        return
    moved = raw.get("moved")
    if moved and story.happened(moved["at"]):
        repo.moved[number] = (story.repositories[moved["to"]], moved["number"])
        return
    if story.happened(raw.get("deleted_at")):
        repo.deleted["issues"].add(number)
        return
    issue = Issue(
        id=story.first_id + 10_000_000 + number * 977,
        number=number,
        title=raw["title"],
        body=text_of(raw),
        **post_fields(raw, story),
        labels=tuple(raw.get("labels", ())),
        milestone=raw.get("milestone"),
        assignees=tuple(id_ for name in raw.get("assignees", ()) if (id_ := story.accounts[name])),
        lock_reason=raw.get("lock_reason"),
        locked="locked" in raw,
        pull=_pull(raw, story),
    )
    for edit in raw.get("edits", ()):
        if story.happened(edit["at"]):
            issue.title = edit.get("title", issue.title)
            issue.body = text_of(edit) if "body" in edit else issue.body
    _end(issue, raw, story)
    issue.updated_at = max(at for at in _movements(raw) if story.happened(at))
    repo.issues[number] = issue


def post_fields(raw: Raw, story: Story) -> Raw:
    """Return the author, times and reactions of a record, as fields of ``Post``."""
    edits = [edit["at"] for edit in raw.get("edits", ()) if story.happened(edit["at"])]
    return {
        "user": story.accounts[raw["by"]],
        "association": story.associations.get(raw["by"], "NONE"),
        "created_at": raw["at"],
        "updated_at": max([raw["at"], *edits]),
        "reactions": raw.get("reactions", {}),
    }


def _movements(raw: Raw) -> Iterator[str]:
    """Yield the times of all changes that set ``updated_at`` of an issue, without edits of review comments."""
    yield raw["at"]
    yield from raw.get("touched", ())
    yield from (raw[name]["at"] for name in ("closed", "reopened") if name in raw)
    yield from (edit["at"] for edit in raw.get("edits", ()))
    if "appears_at" in raw:
        yield raw["appears_at"]
    for comment in raw.get("comments", ()):
        yield comment["at"]
        yield from (edit["at"] for edit in comment.get("edits", ()))
        if "deleted_at" in comment:
            yield comment["deleted_at"]
    yield from (comment["at"] for comment in raw.get("review_comments", ()))


def _end(issue: Issue, raw: Raw, story: Story) -> None:
    closed, reopened = raw.get("closed"), raw.get("reopened")
    if reopened and story.happened(reopened["at"]):
        issue.state_reason = "reopened"
    elif closed and story.happened(closed["at"]):
        issue.state, issue.closed_at, issue.closed_by = "closed", closed["at"], story.accounts[closed["by"]]
        issue.state_reason = None if issue.pull else closed.get("reason", "completed")
        if issue.pull and closed.get("merged"):
            issue.pull.merged_at, issue.pull.merged_by = issue.closed_at, issue.closed_by
            issue.pull.merge_commit_sha = closed["merged"]


def _pull(raw: Raw, story: Story) -> Pull | None:
    if "pull" not in raw:
        return None
    number = raw["number"]
    return plain_pull(story.first_id + 20_000_000 + number * 389, number, **raw["pull"])


def plain_pull(id_: int, number: int, **facts: Any) -> Pull:
    """Return a ``Pull`` with an invented head branch and invented SHAs, which ``facts`` can replace."""
    plain: Raw = {
        "head": f"change-{number}",
        "head_sha": pseudo_sha("head", number),
        "base_sha": pseudo_sha("base", number),
        **facts,
    }
    return Pull(id=id_, **plain)
