"""Conversion of commits and their changed files."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from urllib.parse import quote, urlsplit

from core.ingest.records import Page, Record, convert_each
from core.ingest.values import Row, clean, clip, one_line, parse_time
from core.operations.github_ops.git_log import RawCommit, RawDate, RawFile
from github_activity_tracker.protocol_impl import GitHubActivity

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 2**32 - 1
"""Latest valid commit date, in seconds since 1970: the largest unsigned 32-bit number, which is in February 2106.

A commit with a later date would stay at the top of the timeline. Tools that do not know the date write 0, so 0 counts
as a missing date.
"""
WIDEST = 14 * 60
"""Largest valid distance of a time zone from UTC, in minutes. The zone that is furthest from UTC is +14:00.

https://data.iana.org/time-zones/tz-link.html
"""
NOREPLY = re.compile(r"(?:(\d{1,18})\+)?([A-Za-z0-9][\w-]{0,99}(?:\[bot\])?)@users\.noreply\.([\w.-]+)", re.ASCII)
"""A no-reply address. Its groups are the id, the login, and the host of the server that has the account.

Addresses from before July 2017 have no id. Logins of managed users contain ``_``.

https://docs.github.com/en/account-and-profile/reference/email-addresses-reference#your-noreply-email-address
https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication
"""
GITHUB_HOST = "github.com"


def convert_commits(commits: Iterable[RawCommit], repository_id: int, repository_url: str) -> Page:
    """Convert a page of commits.

    The payload of a malformed commit contains only its hash. A retry uses this hash to read the commit again.
    """
    convert = partial(convert_commit, repository_id=repository_id, repository_url=repository_url)
    page = convert_each(commits, convert, partial(_people, host=_host(repository_url)), attrgetter("sha"))
    return replace(page, malformed=[replace(one, payload={"sha": one.external_id}) for one in page.malformed])


def convert_commit(commit: RawCommit, *, repository_id: int, repository_url: str) -> Record:
    """Convert one commit. The author's account is known only from a no-reply address.

    If neither date is readable, ``occurred_at`` stays empty, and ``with_times`` sets it.
    """
    authored, committed = _moment(commit.author_date), _moment(commit.committer_date)
    account = account_of_address(commit.author_email, _host(repository_url))
    files = tuple(_file(file, ordinal) for ordinal, file in enumerate(commit.files))
    row: Row = {
        "repository_id": repository_id,
        "sha": commit.sha,
        "tree_sha": commit.tree,
        "parents": commit.parents,
        "author_id": account.id if account else None,
        "author_name": clean(commit.author_name),
        "author_email": clean(commit.author_email),
        "authored_at": authored,
        "author_utc_offset": _offset(commit.author_date),
        "authored_raw": _raw(commit.author_date),
        "committer_name": clean(commit.committer_name),
        "committer_email": clean(commit.committer_email),
        "committed_at": committed,
        "committer_utc_offset": _offset(commit.committer_date),
        "committed_raw": _raw(commit.committer_date),
        "message": clean(commit.message),
        "encoding": clip(commit.encoding, 64),
        "additions": sum(file.additions or 0 for file in commit.files),
        "deletions": sum(file.deletions or 0 for file in commit.files),
        "changed_files": len(files),
        "deleted_at": None,
    }
    document = f"github:commit:{repository_id}:{commit.sha}"
    activity = GitHubActivity(
        external_id=document,
        occurred_at=_text(at) if (at := committed or authored) else "",
        activity_type="github.commit",
        actor_external_id=str(account.id) if account and account.id else "",
        actor_name=clip(account.login if account else commit.author_name, 200),
        source_url=clip(f"{repository_url}/commit/{commit.sha}" if repository_url else "", 1000),
        summary=one_line(row["message"].partition("\n")[0]),
        thread=document,
    )
    return Record(row=row, activity=activity, document=document, kind="commit", children=files)


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressAccount:
    """The account of a no-reply address. ``id`` is None if the address contains no id."""

    id: int | None
    login: str


def account_of_address(email: str, host: str) -> AddressAccount | None:
    """Return the account of a no-reply address, or None for any other address.

    Returns None for an address of another server than ``host``, because ids of different servers are unrelated.
    """
    found = NOREPLY.fullmatch(email)
    if found is None or found[3].lower() != host:
        return None
    return AddressAccount(id=int(found[1]) if found[1] else None, login=found[2])


def _host(repository_url: str) -> str:
    """Return the host in the URL of a repository, or github.com if the URL is empty."""
    return (urlsplit(repository_url).hostname or GITHUB_HOST).lower()


def _file(file: RawFile, ordinal: int) -> Row:
    return {
        "ordinal": ordinal,
        "path": clean(file.path),
        "previous_path": clean(file.previous_path) if file.previous_path else None,
        "status": file.status,
        "similarity": file.similarity,
        "old_mode": file.old_mode,
        "new_mode": file.new_mode,
        "additions": file.additions,
        "deletions": file.deletions,
    }


def _moment(date: RawDate) -> datetime | None:
    """Return the time of a date, or None if the date is missing, broken or outside the valid range."""
    if date.seconds is None or not 0 < date.seconds <= LATEST:
        return None
    return EPOCH + timedelta(seconds=date.seconds)


def _offset(date: RawDate) -> int | None:
    """Return the offset from UTC in minutes, or None if it is missing or larger than any time zone."""
    return date.offset if date.offset is not None and abs(date.offset) <= WIDEST else None


def _raw(date: RawDate) -> str:
    """Return the original text of a date if the columns cannot store all of it, else an empty string."""
    return "" if _moment(date) and _offset(date) is not None else clip(date.text, 200)


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def with_times(records: Sequence[Record], known: Mapping[str, datetime], otherwise: datetime) -> list[Record]:
    """Return the commits, each with a time for the timeline.

    A commit without a readable date gets the latest time of its parents. If no parent has a known time, the commit gets
    the earliest time of its children on this page, or ``otherwise``. ``known`` maps hashes of stored commits to times.
    Parents must come before their children, as they do on a page.
    """
    times = dict(known)
    children = dict[str, datetime]()
    for record in records:
        if at := record.activity.occurred_at:
            times[record.row["sha"]] = parse_time(at)
            for parent in record.row["parents"]:
                children[parent] = min(parse_time(at), children.get(parent, parse_time(at)))
    placed: list[Record] = []
    for record in records:
        if record.activity.occurred_at:
            placed.append(record)
            continue
        sha = record.row["sha"]
        parents = [times[parent] for parent in record.row["parents"] if parent in times]
        times[sha] = max(parents, default=children.get(sha, otherwise))
        placed.append(replace(record, activity=replace(record.activity, occurred_at=_text(times[sha]))))
    return placed


def _people(commit: RawCommit, host: str) -> list[Row]:
    """Return the row of the author's account if the address contains its id and login, else an empty list."""
    account = account_of_address(commit.author_email, host)
    if account is None or account.id is None:
        return []
    return [
        {
            "id": account.id,
            "login": account.login,
            "kind": "Bot" if account.login.endswith("[bot]") else "User",
            "node_id": "",
            "avatar_url": "",
            "html_url": f"https://{host}/{quote(account.login, safe='[]')}",
            "deleted_at": None,
        }
    ]
