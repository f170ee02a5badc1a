"""The stand-in that lies beside the project, over a part of its data; and what is kept, compared with its truth."""

import gzip
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from github_activity_tracker.models import Issue, IssueComment, PullRequest, Review, ReviewComment

ROOT = Path(__file__).parents[2]
SERVE = ROOT.parent / "shared/twins/github/serve.py"
PYTHON = ROOT / ".twins/bin/python"
DENSE, SPARSE = 7, 20
"""Of the recorded issues and pull requests one in so many is served: several pages, or hardly one of each list."""
CONFIG = {
    "issues_page_limit": 150,
    "comments_item_limit": 200,
    "rest_limit": 100_000,
    "graphql_limit": 100_000,
    "graphql_exhausted_type": "RATE_LIMIT",
}
"""Lists end much earlier than GitHub's do, so that going on behind their ends is part of every run."""


class Twin:
    """A running stand-in."""

    def __init__(
        self, folder: Path, every: int = DENSE, *, cluster: int = 0, change: Callable[[Any], None] | None = None,
        **config: Any,
    ) -> None:  # fmt: skip
        """Start it; ``change`` may alter each recorded issue or pull request before it is served."""
        data = next(file for file in (SERVE.parents[1] / "data").glob("*.jsonl.gz") if _is_a_repository(file))
        part = folder / "part.jsonl.gz"
        with gzip.open(data, "rt", encoding="utf-8") as lines, gzip.open(part, "wt", encoding="utf-8") as kept:
            for place, line in enumerate(lines):
                record = json.loads(line)
                if record[0] == "meta":
                    self.name: str = record[1]["repo"]
                if record[0] == "item" and change is not None:
                    change(record[1])
                    line = json.dumps(record) + "\n"
                if record[0] != "item" or place % every == 0:
                    kept.write(line)
        all_settings = CONFIG | config
        settings = [
            word for name, value in all_settings.items() for word in ("--config", f"{name}={json.dumps(value)}")
        ]
        command = [str(PYTHON), str(SERVE), "--data", str(part), "--port", "0", "--cluster", str(cluster), *settings]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]

    def call(self, path: str, body: object = None) -> Any:
        """Talk to its control plane."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.url}/_twin/{path}", data=data), timeout=60) as answer:  # noqa: S310  (it is local)
            return json.loads(answer.read())

    def truth(self) -> Any:
        """What a complete copy of the repository holds now."""
        return self.call(f"truth?repo={self.name}")

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.communicate(timeout=10)


def _is_a_repository(file: Path) -> bool:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return lines.readline().startswith('["meta"')


def sha(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()


def kept() -> dict[str, dict[str, str]]:
    """Hashes of live bodies by id."""
    bodies = {"deleted_at": None}
    pulls = dict(PullRequest.objects.filter(**bodies).values_list("number", "pk"))
    issues = Issue.objects.filter(**bodies)
    return {
        "issues": {str(one.pk): sha(one.body) for one in issues if not one.is_pull_request},
        "pulls": {str(pulls.get(one.number)): sha(one.body) for one in issues if one.is_pull_request},
        **{
            stream: {str(one.pk): sha(one.body) for one in model._default_manager.filter(**bodies)}  # type: ignore[attr-defined]
            for stream, model in (
                ("issue_comments", IssueComment), ("reviews", Review), ("review_comments", ReviewComment),
            )
        },
    }  # fmt: skip


def differences(truth: Any, *, deletions: bool = True) -> dict[str, list[str]]:
    """Ids by stream that are missing, too many or not the same; without ``deletions`` those too many do not count."""
    found: dict[str, list[str]] = {}
    for stream, have in kept().items():
        want: dict[str, str] = truth[stream]["sha256"]
        wrong = [f"-{one}" for one in want.keys() - have.keys()]
        wrong += [f"~{one}" for one in want.keys() & have.keys() if want[one] != have[one]]
        wrong += [f"+{one}" for one in have.keys() - want.keys()] if deletions else []
        if wrong:
            found[stream] = sorted(wrong)
    return found
