"""The query language: quoted phrases, excluded words, and operators such as ``author:ada`` or ``after:2024-05``.

``parse`` accepts any text. It needs no database and no clock, and its time is linear in the length of the text. Text
that is no operator is plain words. docs/search.md lists the operators.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from core.search.filters import NO_FILTERS, Filters, Name, Requirement

Sort = Literal["relevance", "newest", "oldest"]
OPERATORS: dict[str, Name] = {
    "author": "author", "repo": "scope", "channel": "scope", "label": "label", "is": "is", "type": "type",
    "source": "source",
}  # fmt: skip
"""Operators that become requirements, and the name of the requirement."""
FROM_DAY, BEFORE_DAY = ("after", "since"), ("before", "until")
SORTS: tuple[Sort, ...] = ("newest", "oldest", "relevance")
STATES = ("open", "closed", "merged", "answered", "unanswered")
TYPES = {
    "pr": "pull_request", "prs": "pull_request", "pull": "pull_request", "pulls": "pull_request",
    "pullrequest": "pull_request", "thread": "conversation", "chat": "conversation",
}  # fmt: skip
"""Short names of kinds of documents. Other values of ``type:`` are the kinds themselves."""
MOST_PHRASES = 8
"""Maximum number of phrases that a result must contain. PostgreSQL looks up each of these phrases separately."""
MOST_EXCLUDED = 32
"""Maximum number of excluded words and phrases."""
MOST_VALUES = 32
"""Maximum number of values of all other operators."""
MOST_PROBLEMS = 5
"""Maximum number of problems that are reported. A text that was pasted by mistake may have hundreds of problems."""
QUOTES = '"\u201c\u201d\u201e\u201f'
"""Straight and curly double quotes. Each of them opens or closes a phrase."""
TOKEN = re.compile(
    rf"""
    (?P<minus>-)? (?:
        (?P<name>[A-Za-z]+):(?:[{QUOTES}](?P<quoted>[^{QUOTES}]+)[{QUOTES}](?!\w)|(?P<value>(?!:)\S*))
        | [{QUOTES}](?P<phrase>[^{QUOTES}]*)[{QUOTES}]
    )
    | -(?P<excluded>[^\W\d_]\S*)
    | (?P<bracket>[(\[{{]+)(?=[{QUOTES}])
    | (?P<word>\S+)
    """,
    re.VERBOSE,
)
LOOSE_PUNCTUATION = ",;.!?)]}" + QUOTES
"""Characters that are removed from the end of an excluded word."""
CALENDAR = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", re.ASCII)
AGO = re.compile(r"(\d{1,5}) ?(d|w|m|y|days?|weeks?|months?|years?)( ago)?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedQuery:
    """A query in its parts.

    ``words`` are the plain words. ``plain_text`` contains the words and the phrases in the order of the query, without
    quotes. ``problems`` are sentences about operators with an invalid value, which are plain words.
    """

    words: str
    plain_text: str
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    filters: Filters = NO_FILTERS
    sort: Sort = "relevance"
    problems: tuple[str, ...] = ()


class _InvalidValueError(Exception):
    """An operator has an invalid value. The message says what to write instead."""


def parse(text: str, today: date) -> ParsedQuery:
    """Return the parts of a query. ``today`` is the current day in UTC, from which ``yesterday`` is computed."""
    parser = _Parser(today)
    for token in TOKEN.finditer(text):
        parser.read(token)
    return parser.result()


class _Parser:
    """Collects the parts of one query."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.words: list[str] = []
        self.plain: list[str] = []
        self.phrases: dict[str, None] = {}
        self.excluded: dict[tuple[Name, str], None] = {}
        self.values: dict[tuple[Name, bool], dict[str, None]] = {}
        self.since: date | None = None
        self.until: date | None = None
        self.sort: Sort = "relevance"
        self.problems: dict[str, None] = {}

    def read(self, token: re.Match[str]) -> None:
        """Add one token. An operator that is unknown or has an invalid value is added as a plain word."""
        if token["name"] is not None:
            value = token["quoted"] if token["quoted"] is not None else token["value"]
            try:
                if self._operator(token["name"].lower(), value, token["quoted"] is not None, bool(token["minus"])):
                    return
            except _InvalidValueError as invalid:
                self.problems[str(invalid)] = None
                self._plain(token[0])
                return
            if token["minus"]:
                self._exclude("word", token[0][1:])
            else:
                self._plain(token[0])
        elif token["phrase"] is not None:
            self._phrase(" ".join(token["phrase"].split()), bool(token["minus"]))
        elif token["excluded"] is not None and (word := token["excluded"].rstrip(LOOSE_PUNCTUATION)):
            self._exclude("word", word)
        else:
            self._plain(token[0])

    def _plain(self, text: str) -> None:
        self.words.append(text)
        self.plain.append(text)

    def _phrase(self, phrase: str, excluded: bool) -> None:
        if not any(character.isalnum() for character in phrase):
            if phrase:
                self.problems[f'The phrase "{_short(phrase)}" has no letter or digit and is ignored. Add a word.'] = (
                    None
                )
            return
        if excluded:
            self._exclude("phrase", phrase)
            return
        self.plain.append(phrase)
        if phrase not in self.phrases and len(self.phrases) >= MOST_PHRASES:
            self.problems[f"Only the first {MOST_PHRASES} phrases are required. Remove the quotes of the others."] = (
                None
            )
            return
        self.phrases[phrase] = None

    def _exclude(self, name: Name, text: str) -> None:
        if (name, text) not in self.excluded and len(self.excluded) >= MOST_EXCLUDED:
            self.problems[f"Only the first {MOST_EXCLUDED} excluded words are used. Remove the others."] = None
            return
        self.excluded[name, text] = None

    def _operator(self, name: str, value: str, quoted: bool, excluded: bool) -> bool:
        """Add an operator, and return whether the name is known. Raises _InvalidValueError."""
        known = name in OPERATORS or name in FROM_DAY or name in BEFORE_DAY or name == "sort"
        if not known or (not quoted and value.startswith(("/", "="))):
            return False
        value = " ".join(value.split()) if quoted else value.rstrip(",;")
        if not value or (not quoted and value[0] in QUOTES):
            raise _InvalidValueError(f"{name}: needs a value without a space, or a value in quotes.")
        if name == "sort":
            self._set_sort(value.lower(), excluded)
        elif name in OPERATORS:
            self._require(OPERATORS[name], name, value, excluded)
        elif (name in FROM_DAY) != excluded:
            day = first_day(name, value, self.today)
            self.since = max(self.since or day, day)
        else:
            day = first_day(name, value, self.today)
            self.until = min(self.until or day, day)
        return True

    def _set_sort(self, value: str, excluded: bool) -> None:
        chosen: Sort | None = next((sort for sort in SORTS if sort == value), None)
        if chosen is None or excluded:
            raise _InvalidValueError(
                f'"sort:{_short(value)}" is unknown. Write sort:newest, sort:oldest or sort:relevance.'
            )
        self.sort = chosen

    def _require(self, requirement: Name, name: str, value: str, excluded: bool) -> None:
        value = _normal_value(requirement, value)
        if not value:
            raise _InvalidValueError(f"{name}: needs a name.")
        if requirement == "is":
            if value not in STATES:
                raise _InvalidValueError(f'"is:{_short(value)}" is unknown. Write one of: {", ".join(STATES)}.')
            requirement = "answered" if value.endswith("answered") else "state"
        if sum(map(len, self.values.values())) >= MOST_VALUES:
            raise _InvalidValueError(f"Only the first {MOST_VALUES} operators are used. Remove the others.")
        self.values.setdefault((requirement, excluded), {})[value] = None

    def result(self) -> ParsedQuery:
        """Return the parts of the query."""
        excluded = tuple(text for _, text in self.excluded)
        return ParsedQuery(
            words=" ".join(self.words), plain_text=" ".join(self.plain), phrases=tuple(self.phrases), without=excluded,
            filters=Filters(
                since=_midnight(self.since), until=_midnight(self.until), requirements=tuple(self._requirements())
            ),
            sort=self.sort, problems=tuple(self.problems)[:MOST_PROBLEMS],
        )  # fmt: skip

    def _requirements(self) -> Sequence[Requirement]:
        """Return the requirements. One value of an operator must match, but all labels and phrases."""
        requirements: list[Requirement] = []
        for (name, excluded), values in self.values.items():
            groups = [(value,) for value in values] if name == "label" and not excluded else [tuple(values)]
            requirements += [Requirement(name=name, values=group, excluded=excluded) for group in groups]
        requirements += [Requirement(name="phrase", values=(phrase,)) for phrase in self.phrases]
        for name in ("word", "phrase"):
            if values := tuple(text for kind, text in self.excluded if kind == name):
                requirements.append(Requirement(name=name, values=values, excluded=True))
        return requirements


def _normal_value(name: Name, value: str) -> str:
    """Return the value as filters compare it."""
    if name in {"is", "source"}:
        return value.lower()
    if name == "type":
        kind = re.sub(r"[-_ ]+", "_", value.lower())
        return TYPES.get(kind, kind)
    return value.removeprefix("@") if name == "author" else value.lstrip("#") if name == "scope" else value


def first_day(name: str, value: str, today: date) -> date:
    """Return the day that the value of a date operator names. A year, a month or a week is its first day.

    Raises _InvalidValueError for a value that is not a day.
    """
    words = re.sub(r"[- _]+", " ", value.strip().lower())
    try:
        if (named := _named_day(words, today)) is not None:
            return named
        if calendar := CALENDAR.fullmatch(value.strip()):
            return date(*(int(part or 1) for part in calendar.groups()))
        if ago := AGO.fullmatch(words):
            return _days_ago(int(ago[1]), ago[2], today)
    except (ValueError, OverflowError):
        pass
    raise _InvalidValueError(
        f'"{name}:{_short(value)}" is no date. Write 2024, 2024-05, 2024-05-31, yesterday, last-week or 30d.'
    )


def _named_day(words: str, today: date) -> date | None:
    """Return the day with a name such as ``yesterday``, or ``None`` for other words. A week begins on Monday."""
    monday, month = today - timedelta(days=today.weekday()), today.replace(day=1)
    named: dict[str, Callable[[], date]] = {
        "today": lambda: today,
        "yesterday": lambda: today - timedelta(days=1),
        "this week": lambda: monday,
        "last week": lambda: monday - timedelta(days=7),
        "this month": lambda: month,
        "last month": lambda: (month - timedelta(days=1)).replace(day=1),
        "this year": lambda: month.replace(month=1),
        "last year": lambda: date(today.year - 1, 1, 1),
    }
    return named[words]() if words in named else None


def _days_ago(number: int, unit: str, today: date) -> date:
    """Return the day that lies a number of days (d), weeks (w), months (m) or years (y) before today."""
    if unit[0] in "dw":
        return today - timedelta(days=number * (7 if unit[0] == "w" else 1))
    months = today.year * 12 + today.month - 1 - number * (12 if unit[0] == "y" else 1)
    first = date(months // 12, months % 12 + 1, 1)
    following = (first + timedelta(days=31)).replace(day=1) if first < date(9999, 12, 1) else date.max
    return min(first + timedelta(days=today.day - 1), following - timedelta(days=1))


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time.min, UTC) if day else None


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
