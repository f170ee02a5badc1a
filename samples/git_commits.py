"""Create the JSON of commits for the REST API.

https://docs.github.com/en/rest/commits/commits#list-commits
"""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from samples.answers import Refusal
from samples.community import Repository, SampleCommunity
from samples.git_command import run_git
from samples.shapes import Site, simple_user
from samples.shapes.accounts import Json, node_id

FIELDS = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B"
NOREPLY = re.compile(r"(?:(\d+)\+)?([^@]+)@users\.noreply\.github\.com")


def names(git_dir: Path, ref: str) -> list[str]:
    """Return the SHAs of all commits that a ref reaches, the newest first. Raises Refusal (404) for an unknown ref."""
    try:
        return run_git(git_dir, "rev-list", "--end-of-options", ref, "--").decode().split()
    except subprocess.CalledProcessError as error:
        raise Refusal(404, "Not Found", "/rest/commits/commits#list-commits") from error


def commits(git_dir: Path, site: Site, repo: Repository, shas: list[str]) -> list[Json]:
    """Return commits in the order of ``shas``. Invalid UTF-8 is replaced."""
    if not shas:
        return []
    arguments = ("log", "--no-walk=unsorted", "--encoding=UTF-8", "-z", f"--format={FIELDS}%x00", "--stdin")
    raw = run_git(git_dir, *arguments, feed="\n".join(shas).encode()).decode(errors="replace")
    cells = raw.split("\0")
    width = FIELDS.count("%x00") + 2
    return [_commit(cells[start : start + width], site, repo) for start in range(0, len(cells) - width + 1, width)]


def _commit(cells: list[str], site: Site, repo: Repository) -> Json:
    sha, tree, parents, author_name, author_email, author_time, name, email, time, message = cells[:10]
    url, page = f"{site.repo(repo)}/commits", f"https://github.com/{site.community.full_name(repo)}/commit"
    git = f"{site.repo(repo)}/git"
    return {
        "sha": sha,
        "node_id": node_id("C", repo.id, int(sha[:15], 16)),
        "commit": {
            "author": {"name": author_name, "email": author_email, "date": _date(author_time)},
            "committer": {"name": name, "email": email, "date": _date(time)},
            "message": message.rstrip("\n"),
            "tree": {"sha": tree, "url": f"{git}/trees/{tree}"},
            "url": f"{git}/commits/{sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{url}/{sha}",
        "html_url": f"{page}/{sha}",
        "comments_url": f"{url}/{sha}/comments",
        "author": _account(author_email, site),
        "committer": _account(email, site),
        "parents": [{"sha": sha, "url": f"{url}/{sha}", "html_url": f"{page}/{sha}"} for sha in parents.split()],
    }


def _date(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _account(email: str, site: Site) -> Json | None:
    return simple_user(site, account_of(email, site.community))


def account_of(email: str, community: SampleCommunity) -> int | None:
    """Return the id of the account with an email address, or None. No-reply addresses contain an id or a login."""
    known = community.accounts.values()
    found = NOREPLY.fullmatch(email)
    if found is None:
        return next((one.id for one in known if email in one.emails), None)
    return int(found[1]) if found[1] else next((one.id for one in known if one.login == found[2]), None)
