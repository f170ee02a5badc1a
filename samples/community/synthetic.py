"""Create large random communities from a seed, for benchmarks and for lists that exceed GitHub's limits."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from samples.community.folding import plain_pull
from samples.community.model import Account, Comment, Issue, Repository, ReviewComment

START = datetime(2020, 1, 1, tzinfo=UTC)
PEOPLE = 40
FIRST_PERSON, OWNER, REPOSITORY_ID, FIRST_ID = 90_000_000_001, 90_000_000_900, 900_000_001, 7_000_000_000
WORDS = (
    *("tide", "gauge", "import", "station", "harbour", "moon", "chart", "alert", "window", "height", "datum", "surge"),
    *(
        "forecast",
        "file",
        "parser",
        "memory",
        "leak",
        "zone",
        "clock",
        "summer",
        "winter",
        "causeway",
        "spring",
        "neap",
    ),
    *("ebb", "flood", "reading", "buoy", "logger", "cache", "index", "query", "lock", "queue", "retry", "unicode"),
    *("label", "translation", "release", "image", "port", "backup", "restore", "table", "column", "export", "limit"),
)

Parts = tuple[dict[int, Account], dict[int, Repository], dict[str, int]]
Raw = dict[str, Any]


def synthetic_parts(*, issues: int, comments: int, review_comments: int, seed: int, busy_instant: int) -> Parts:
    """Return the accounts, repositories and former names of a community, for :class:`SampleCommunity`."""
    dice = random.Random(seed)  # noqa: S311 # repeatable texts, nothing secret
    accounts = {FIRST_PERSON + n: Account(id=FIRST_PERSON + n, login=f"person-{n:02d}") for n in range(PEOPLE)}
    accounts[OWNER] = Account(id=OWNER, login="saltmarsh-works", type="Organization")
    repo = Repository(
        id=REPOSITORY_ID,
        owner=OWNER,
        name="tidewatch",
        description="A big repository made by dice",
        created_at=_text(0),
        updated_at=_text(0),
        pushed_at=_text(0),
    )
    for n, raw in enumerate(_posts(dice, issues, busy_instant, 0)):
        pull = plain_pull(FIRST_ID + 3_000_000_000 + n, n + 1) if n % 4 == 3 else None
        repo.issues[n + 1] = Issue(number=n + 1, title=_sentence(dice, 6), pull=pull, **raw)
    for raw in _posts(dice, comments, busy_instant, 1):
        repo.comments[raw["id"]] = Comment(number=dice.randint(1, issues), **raw)
    for n, raw in enumerate(_posts(dice, review_comments, busy_instant, 2)):
        number, path = 4 * dice.randint(1, max(1, issues // 4)), f"src/{dice.choice(WORDS)}.py"
        repo.review_comments[raw["id"]] = ReviewComment(number=number, path=path, line=n % 90 + 1, **raw)
    return accounts, {repo.id: repo}, {}


def _posts(dice: random.Random, count: int, busy_instant: int, series: int) -> list[Raw]:
    """Return the fields of posts in creation order. About a third have the ``created_at`` of the preceding post."""
    posts: list[Raw] = []
    moment = 0
    for n in range(count):
        moment += 0 if dice.random() < 1 / 3 else dice.randint(1, 600)
        edited = moment + (0 if dice.random() < 0.8 else dice.randint(1, 300))
        posts.append(
            {
                "id": FIRST_ID + series * 1_000_000_000 + n * 2,
                "user": FIRST_PERSON + dice.randrange(PEOPLE),
                "body": _sentence(dice, dice.randint(5, 60)),
                "created_at": _text(moment),
                "updated_at": _text(edited),
            }
        )
    for raw in posts[max(0, count - busy_instant) :] if busy_instant else []:
        raw["updated_at"] = _text(moment + 600)
    return posts


def _sentence(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(WORDS, k=words)).capitalize() + "."


def _text(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
