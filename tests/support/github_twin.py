"""Runs the GitHub twin with a part of a recorded repository, and compares the database with the twin's content.

The GitHub twin is a local imitation of GitHub.
"""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from github_activity_tracker.models import Issue, IssueComment, PullRequest, Review, ReviewComment
from tests.support.twins import FOLDER, TwinProcess, require

SERVE = FOLDER / "github" / "serve.py"
DENSE, SPARSE = 7, 20
"""Values for ``every``: the twin serves every 7th or every 20th recorded issue or pull request.

Every 7th item is enough for several pages. Every 20th item is barely enough for one page.
"""
CONFIG = {
    "issues_page_limit": 150,
    "comments_item_limit": 200,
    "rest_limit": 100_000,
    "graphql_limit": 100_000,
    "graphql_exhausted_type": "RATE_LIMIT",
}
"""Settings of the twin. Numbered pages end much earlier than on GitHub, so each run must read items beyond them.

The rate limits are high enough for all tests.
"""


class Twin(TwinProcess):
    """A running GitHub twin. ``name`` is the full name of its repository."""

    def __init__(
        self, folder: Path, every: int = DENSE, *, cluster: int = 0, change: Callable[[Any], None] | None = None,
        **config: Any,
    ) -> None:  # fmt: skip
        """Serve every ``every``-th recorded item. ``change`` can modify each item first."""
        require()
        recording = next(file for file in (FOLDER / "data").glob("*.jsonl.gz") if _is_repository(file))
        part = folder / "part.jsonl.gz"
        with gzip.open(recording, "rt", encoding="utf-8") as lines, gzip.open(part, "wt", encoding="utf-8") as out:
            for index, line in enumerate(lines):
                record = json.loads(line)
                if record[0] == "meta":
                    self.name: str = record[1]["repo"]
                if record[0] == "item" and change is not None:
                    change(record[1])
                    line = json.dumps(record) + "\n"
                if record[0] != "item" or index % every == 0:
                    out.write(line)
        options = [
            word for name, value in (CONFIG | config).items() for word in ("--config", f"{name}={json.dumps(value)}")
        ]
        super().__init__("github/serve.py", "--data", str(part), "--cluster", str(cluster), *options)

    def truth(self) -> Any:
        """Return the current content of the repository, which a complete copy must contain."""
        return self.call(f"truth?repo={self.name}")


def _is_repository(file: Path) -> bool:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return lines.readline().startswith('["meta"')


def sha(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()


def stored_hashes() -> dict[str, dict[str, str]]:
    """Return the SHA-256 of the body of each row that is not marked as deleted, by stream, then by id."""
    present = {"deleted_at": None}
    pulls = dict(PullRequest.objects.filter(**present).values_list("number", "pk"))
    issues = Issue.objects.filter(**present)
    return {
        "issues": {str(row.pk): sha(row.body) for row in issues if not row.is_pull_request},
        "pulls": {str(pulls.get(row.number)): sha(row.body) for row in issues if row.is_pull_request},
        **{
            stream: {str(row.pk): sha(row.body) for row in model._default_manager.filter(**present)}  # type: ignore[attr-defined]
            for stream, model in (
                ("issue_comments", IssueComment), ("reviews", Review), ("review_comments", ReviewComment),
            )
        },
    }  # fmt: skip


def differences(truth: Any, *, deletions: bool = True) -> dict[str, list[str]]:
    """Return the differences between the database and the twin by stream.

    Each difference is an id after ``-`` (missing in the database), ``~`` (changed body) or ``+`` (missing in the twin).
    Without ``deletions``, rows that are missing in the twin are ignored.
    """
    result: dict[str, list[str]] = {}
    for stream, stored in stored_hashes().items():
        expected: dict[str, str] = truth[stream]["sha256"]
        wrong = [f"-{pk}" for pk in expected.keys() - stored.keys()]
        wrong += [f"~{pk}" for pk in expected.keys() & stored.keys() if expected[pk] != stored[pk]]
        wrong += [f"+{pk}" for pk in stored.keys() - expected.keys()] if deletions else []
        if wrong:
            result[stream] = sorted(wrong)
    return result
