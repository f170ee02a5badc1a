"""A community in memory, which a server reads and tests change."""

import itertools
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Self

from samples.community.loading import load_parts
from samples.community.model import Account, Comment, DiscussionComment, Repository, ReviewComment
from samples.community.synthetic import synthetic_parts

DEFAULT_USER = 90_000_000_001
"""Id of the account that makes a change if no account is given. Every community contains this account."""
BEGINNING = "2025-01-01T00:00:00Z"


class SampleCommunity:
    """Accounts and repositories by id.

    Acquire ``lock`` before reading or writing them. Every change increments ``revision``.
    """

    def __init__(self, accounts: dict[int, Account], repositories: dict[int, Repository], old_names: dict[str, int]):
        self.accounts = accounts
        self.repositories = repositories
        self.old_names = old_names
        """Repository ids by former full name in lower case. Another repository may have the same name now."""
        self.lock = threading.RLock()
        self.revision = 0
        self.clock = max((_last_change(repo) for repo in repositories.values()), default=BEGINNING)
        """The time of the last change. :meth:`tick` advances it."""
        self._ids = itertools.count(80_000_000_000)

    @classmethod
    def load(cls, as_of: str | None = None) -> Self:
        """Return the sample community as it was at a time such as ``2025-06-01T00:00:00Z``.

        Without a time, the community is as it was at the end of the story. Ids do not depend on the time. Therefore, a
        comparison of two times shows which posts were edited, added and deleted between them.
        """
        accounts, repositories, old_names = _loaded(as_of)
        return cls(
            {id_: replace(account) for id_, account in accounts.items()},
            {id_: _copy_of(repo) for id_, repo in repositories.items()},
            dict(old_names),
        )

    @classmethod
    def synthetic(
        cls, *, issues: int = 1000, comments: int = 5000, review_comments: int = 0, seed: int = 0, busy_instant: int = 0
    ) -> Self:
        """Return a community with one large repository, :data:`SAMPLE_REPOSITORY`, filled with random data.

        Equal arguments give equal data. Every fourth issue is a pull request. Many posts share an ``updated_at``,
        and the last ``busy_instant`` posts of each list all have the same one. Unlike on GitHub, comments do not change
        ``updated_at`` of their issues.
        """
        return cls(
            *synthetic_parts(
                issues=issues, comments=comments, review_comments=review_comments, seed=seed, busy_instant=busy_instant
            )
        )

    def full_name(self, repo: Repository) -> str:
        return f"{self.accounts[repo.owner].login}/{repo.name}"

    def find(self, full_name: str) -> tuple[Repository, bool]:
        """Return the repository with a current or former full name, and whether the name is a former one.

        Ignores the case of letters. Raises KeyError for an unknown name.
        """
        wanted = full_name.lower()
        for repo in self.repositories.values():
            if self.full_name(repo).lower() == wanted:
                return repo, False
        return self.repositories[self.old_names[wanted]], True

    def repository(self, full_name: str) -> Repository:
        return self.find(full_name)[0]

    def comment(self, id_: int) -> tuple[Repository, Comment]:
        for repo in self.repositories.values():
            if id_ in repo.comments:
                return repo, repo.comments[id_]
        raise KeyError(id_)

    def review_comment(self, id_: int) -> tuple[Repository, ReviewComment]:
        for repo in self.repositories.values():
            if id_ in repo.review_comments:
                return repo, repo.review_comments[id_]
        raise KeyError(id_)

    def discussion_comment(self, id_: int) -> tuple[Repository, DiscussionComment]:
        for repo in self.repositories.values():
            if id_ in repo.discussion_comments:
                return repo, repo.discussion_comments[id_]
        raise KeyError(id_)

    def new_id(self) -> int:
        """Return an id that is higher than the ids of all existing posts, like a new id on GitHub."""
        return next(self._ids)

    def tick(self, at: str | None = None) -> str:
        """Increment ``revision``, and return the time of a change: ``at``, or one minute after the last change."""
        self.revision += 1
        if at is None:
            moment = datetime.fromisoformat(self.clock) + timedelta(minutes=1)
            at = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.clock = max(self.clock, at)
        return at


def _last_change(repo: Repository) -> str:
    talk = (*repo.discussions.values(), *repo.discussion_comments.values())
    posts = (*repo.issues.values(), *repo.comments.values(), *repo.review_comments.values(), *talk)
    return max((post.updated_at for post in posts), default=BEGINNING)


@lru_cache(maxsize=4)
def _loaded(as_of: str | None) -> tuple[dict[int, Account], dict[int, Repository], dict[str, int]]:
    """Return the accounts, repositories and former names at a time. The result is cached, so callers must copy it."""
    return load_parts(as_of)


def _copy_of(repo: Repository) -> Repository:
    return replace(
        repo,
        labels=dict(repo.labels),
        issues={n: replace(x, pull=replace(x.pull) if x.pull else None) for n, x in repo.issues.items()},
        comments={i: replace(x) for i, x in repo.comments.items()},
        review_comments={i: replace(x) for i, x in repo.review_comments.items()},
        commit_comments={i: replace(x) for i, x in repo.commit_comments.items()},
        hidden=dict(repo.hidden),
        resolved=dict(repo.resolved),
        discussions={n: replace(x) for n, x in repo.discussions.items()},
        discussion_comments={i: replace(x) for i, x in repo.discussion_comments.items()},
        deleted={stream: set(ids) for stream, ids in repo.deleted.items()},
        moved=dict(repo.moved),
    )
