"""Big communities made by seeded dice, for measuring and for lists that are longer than GitHub serves at once."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from samples.community.folding import pseudo_sha
from samples.community.model import Account, Comment, Issue, Pull, Repository, ReviewComment

START = datetime(2020, 1, 1, tzinfo=UTC)
PEOPLE = 40
OWNER, REPOSITORY_ID, FIRST_ID = 90_000_000_900, 900_000_001, 7_000_000_000
WORDS = ["tide", "gauge", "import", "station", "harbour", "moon", "chart", "alert", "window", "height", "datum", "surge", "forecast", "file", "parser", "memory", "leak", "zone", "clock", "summer", "winter", "causeway", "spring", "neap", "ebb", "flood", "reading", "buoy", "logger", "cache", "index", "query", "lock", "queue", "retry", "unicode", "label", "translation", "release", "docker", "image", "port", "backup", "restore", "table", "column", "export", "token", "limit"]

Parts = tuple[dict[int, Account], dict[int, Repository], dict[str, int]]


def synthetic_parts(*, issues: int, comments: int, review_comments: int, seed: int, busy_instant: int) -> Parts:
    """Accounts, repositories and former names, as :class:`SampleCommunity` takes them."""
    dice = random.Random(seed)  # noqa: S311 # repeatable texts, nothing secret
    accounts = {90_000_000_001 + n: Account(id=90_000_000_001 + n, login=f"person-{n:02d}") for n in range(PEOPLE)}
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
    times = _times(dice, issues, busy_instant)
    for number in range(1, issues + 1):
        post = _post(dice, times[number - 1]) | {"number": number, "id": FIRST_ID + number * 3}
        pull = _pull(number) if number % 4 == 0 else None
        repo.issues[number] = Issue(title=_sentence(dice, 6), pull=pull, **post)
    times = _times(dice, comments, busy_instant)
    for n in range(comments):
        id_ = FIRST_ID + 1_000_000_000 + n * 2
        number = dice.randint(1, issues)
        repo.comments[id_] = Comment(id=id_, number=number, **_post(dice, times[n]))
    times = _times(dice, review_comments, busy_instant)
    for n in range(review_comments):
        id_ = FIRST_ID + 2_000_000_000 + n * 2
        number = 4 * dice.randint(1, max(1, issues // 4))
        repo.review_comments[id_] = ReviewComment(
            id=id_, number=number, path=f"src/{dice.choice(WORDS)}.py", line=n % 90 + 1, **_post(dice, times[n])
        )
    return accounts, {repo.id: repo}, {}


def _times(dice: random.Random, count: int, busy_instant: int) -> list[tuple[int, int]]:
    """(created, updated) in seconds after the start; about every third post shares its instant with others."""
    pairs: list[tuple[int, int]] = []
    moment = 0
    for n in range(count):
        moment += 0 if dice.random() < 1 / 3 else dice.randint(1, 600)
        if n == count - busy_instant:
            moment += 600
        busy = n >= count - busy_instant
        pairs.append((moment, moment + (0 if busy or dice.random() < 0.8 else dice.randint(1, 300))))
    end = max((updated for _, updated in pairs), default=0)
    return pairs if not busy_instant else [*pairs[: count - busy_instant], *[(end, end)] * min(busy_instant, count)]


def _post(dice: random.Random, times: tuple[int, int]) -> dict[str, Any]:
    return {
        "user": 90_000_000_001 + dice.randrange(PEOPLE),
        "body": _sentence(dice, dice.randint(5, 60)),
        "created_at": _text(times[0]),
        "updated_at": _text(times[1]),
    }


def _pull(number: int) -> Pull:
    return Pull(
        id=FIRST_ID + 3_000_000_000 + number,
        head=f"change-{number}",
        head_sha=pseudo_sha("head", number),
        base_sha=pseudo_sha("base", number),
    )


def _sentence(dice: random.Random, words: int) -> str:
    return " ".join(dice.choices(WORDS, k=words)).capitalize() + "."


def _text(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
