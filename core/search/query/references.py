"""Recognise references in a query: numbers of items, URLs, hashes, paths, versions, identifiers and people.

A reference names one thing, so that its documents can be looked up instead of searched for. This module defines the
references that belong to no vendor. Each tracker adds its own patterns (``TrackerConfig.reference_patterns``). All
functions are pure. Every quantifier of a pattern is bounded, so that recognition takes linear time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice

MAX_REFERENCES = 8
"""Maximum number of references of one query. The strongest references are used."""
MAX_MATCHES = 32
"""Maximum number of matches of one pattern. A pasted log contains many names, and only few of them are looked up."""
LONGEST_TEXT = 1000
"""Number of characters of a query in which references are recognised. A clean query is not longer."""


class Strength(IntEnum):
    """How certainly a reference means one document. The strongest references come first."""

    ADDRESS = 1
    """A URL."""
    ITEM = 2
    """The number of an item, the hash of a commit or the id of a message."""
    PATH = 3
    """The path of a file."""
    STRING = 4
    """A version, a symbol, a flag or an identifier: a text that documents contain exactly."""
    PERSON = 5
    """A person, who may have written many documents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A reference in a query.

    ``text`` is the reference without the words and punctuation around it. ``start`` and ``end`` are the range of
    characters in the query that the reference occupies, including a word such as ``issue``.
    """

    source: str
    """Source system of the tracker that defines the pattern. Empty for the patterns in this module."""
    kind: str
    text: str
    start: int
    end: int
    strength: Strength
    parts: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    """Named groups of the pattern that matched, such as ``number``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferencePattern:
    """A pattern of references of one kind. Bound every quantifier, so that a match takes linear time.

    ``Reference.text`` is the group ``text`` if the pattern has this group, and otherwise the whole match.
    """

    kind: str
    pattern: re.Pattern[str]
    strength: Strength
    whole_query: bool = False
    """Whether only a query without other words is a reference of this kind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferencedDocument:
    """A document that a reference means. ``passage_url`` is the URL of the passage to show, or empty."""

    external_id: str
    passage_url: str = ""


EXTENSIONS = (
    "adoc|asm|bash|bat|bib|bzl|c|cc|cfg|cmake|cmd|conf|cpp|cs|css|csv|cxx|dart|diff|el|erl|ex|exs|go|gradle|h|hh|hpp|hs"
    "|html|hxx|icns|in|inc|ini|ipynb|java|jl|js|json|jsonc|jsx|kt|kts|less|lock|log|lua|m|m4|md|mk|ml|mm|mod|nix|patch"
    "|php|pl|pm|png|po|proto|ps1|py|pyi|pyx|qml|qrc|r|rb|rs|rst|sass|scala|scss|sh|sql|sum|svelte|svg|swift|tex|toml"
    "|ts|tsx|txt|ui|vue|xml|yaml|yml|zig|zsh"
)
"""File name extensions by which a name such as ``parser.py`` is a path instead of an attribute of an object."""
PUBLICATIONS = "RFC|BIP|PEP|EIP|ERC|NIP|BOLT|SLIP|FIPS|ISO|IEC|IEEE|ITU|ECMA|ANSI|DIN|JEP|JSR|PSR|KIP|MSC|XEP|BCP"
"""Series of standards and proposals with numbers."""
END = r"(?<![.,;:!?)\]}>'\"*_…])"
"""Lookbehind: the last character of a URL is no punctuation."""
GENERIC_PATTERNS = (
    ReferencePattern(
        kind="address",
        pattern=re.compile(
            r"(?<![\w@.-])(?:https?://[^\s<>\"'`|\\^]{1,600}"
            r"|(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,18}/[^\s<>\"'`|\\^]{1,600})" + END,
            re.IGNORECASE,
        ),
        strength=Strength.ADDRESS,
    ),
    ReferencePattern(
        kind="hash",
        pattern=re.compile(
            r"(?<![\w./#-])(?:(?:commit|revision|sha|hash)[ :]{1,2})?(?P<text>[0-9a-f]{7,40}|[0-9a-f]{64})(?![\w/-])",
            re.IGNORECASE,
        ),
        strength=Strength.ITEM,
    ),
    ReferencePattern(
        kind="path",
        pattern=re.compile(
            r"(?<![\w.~@-])(?:\.{0,2}/){0,5}"
            rf"(?P<text>(?:[\w.+@-]{{1,100}}/){{0,20}}[\w+@-][\w.+@-]{{0,99}}\.(?:{EXTENSIONS}))(?::[0-9]{{1,7}}){{0,2}}"
            r"(?![\w/-]|\.\w)",
            re.IGNORECASE,
        ),
        strength=Strength.PATH,
    ),
    ReferencePattern(
        kind="path",
        pattern=re.compile(
            r"(?<![\w.~@/-])(?:\.{0,2}/){0,5}(?P<text>(?:[\w.+@-]{1,100}/){2,20}[\w.+@-]{1,100}/?)" + END
        ),
        strength=Strength.PATH,
    ),
    ReferencePattern(
        kind="name",
        pattern=re.compile(r"(?<![\w.~@/-])(?P<text>[A-Za-z][\w.+-]{0,99}/[\w.+-]{1,100})(?![\w/#@])" + END),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="name",
        pattern=re.compile(
            r"(?<![\w-])(?:branch|tag)[ :]{1,2}(?P<text>[A-Za-z0-9][\w./+-]{1,100})(?!\w)" + END, re.IGNORECASE
        ),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="version",
        pattern=re.compile(
            r"(?<![\w.+-])(?:(?:version|release|tag)[ ]{1,2})?(?P<text>v?[0-9]{1,8}(?:\.[0-9]{1,8}){2,4}"
            r"(?:[-.]?(?:rc|alpha|beta|dev|pre|post|a|b)[.-]?[0-9]{0,6})?"
            r"|v?[0-9]{1,8}\.[0-9]{1,8}[-.]?(?:rc|alpha|beta|dev|pre|post|a|b)[.-]?[0-9]{0,6}"
            r"|v[0-9]{1,8}(?:\.[0-9]{1,8})?)(?![\w-]|\.\w)",
            re.IGNORECASE,
        ),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="version",
        pattern=re.compile(
            r"(?<![\w.+-])(?:version|release|tag)[ ]{1,2}(?P<text>v?[0-9]{1,8}\.[0-9]{1,8})(?![\w-]|\.\w)",
            re.IGNORECASE,
        ),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="version",
        pattern=re.compile(r"(?P<text>[0-9]{1,8}\.[0-9]{1,8})"),
        strength=Strength.STRING,
        whole_query=True,
    ),
    ReferencePattern(
        kind="standard",
        pattern=re.compile(
            rf"(?<![\w/.-])(?P<series>{PUBLICATIONS})[ -]?(?P<number>[0-9]{{1,6}})(?![\w]|[.-][0-9])", re.IGNORECASE
        ),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="identifier",
        pattern=re.compile(r"(?<![\w/.-])[A-Z][A-Z0-9]{1,11}-[0-9]{1,8}(?:-[0-9]{1,8})?(?![\w]|-\w)"),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="identifier",
        pattern=re.compile(r"(?<![\w/.-])draft(?:-[a-z0-9]{1,40}){2,10}(?![\w-])"),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="flag",
        pattern=re.compile(r"(?<![\w/.-])--?[A-Za-z][\w-]{1,99}(?:=[^\s,;)\]'\"`]{1,200})?" + END),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="symbol",
        pattern=re.compile(
            r"(?<![\w/.@#:-])(?P<text>(?:[A-Za-z_]\w{0,99}(?:::|->|\.)){1,10}~?[A-Za-z_]\w{0,99})(?:\(\)?)?(?![\w/@-])"
        ),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="symbol",
        pattern=re.compile(r"(?<![\w/.@#:-])(?P<text>[A-Za-z_]\w{1,99}\()\)"),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="symbol",
        pattern=re.compile(
            r"(?<![\w/.@#:-])(?=\w{0,99}?(?:[A-Za-z0-9]_[A-Za-z0-9]|[a-z0-9][A-Z]))[A-Za-z_]\w{2,99}(?![\w/@-])"
        ),
        strength=Strength.STRING,
    ),
    ReferencePattern(
        kind="person",
        pattern=re.compile(r"(?<![\w@./-])@(?P<text>[A-Za-z0-9_](?:[.-]?\w){0,38}(?:\[bot\])?)(?![\w@/-])"),
        strength=Strength.PERSON,
    ),
)


def recognise(text: str, patterns: Iterable[tuple[str, ReferencePattern]] = ()) -> list[Reference]:
    """Return at most ``MAX_REFERENCES`` references in a text, strongest first. Any text is valid.

    ``patterns`` are pairs of a source system and a pattern of its tracker. A match inside a longer match is ignored,
    such as a path inside a URL. Trackers may give different meanings to the same characters.
    """
    text = text[:LONGEST_TEXT]
    all_patterns = [*patterns, *(("", pattern) for pattern in GENERIC_PATTERNS)]
    matches = [reference for source, pattern in all_patterns for reference in _matches(text, source, pattern)]
    accepted: list[Reference] = []
    for reference in sorted(matches, key=lambda match: (match.start - match.end, match.strength, match.start)):
        if not any(_excludes(other, reference) for other in accepted):
            accepted.append(reference)
    return sorted(accepted, key=lambda match: (match.strength, match.start, match.source == ""))[:MAX_REFERENCES]


def _matches(text: str, source: str, pattern: ReferencePattern) -> Iterator[Reference]:
    stripped = text.strip()
    if pattern.whole_query:
        match = pattern.pattern.fullmatch(stripped)
        matches, shift = ([match] if match else []), text.find(stripped)
    else:
        matches, shift = islice(pattern.pattern.finditer(text), MAX_MATCHES), 0
    for match in matches:
        parts = {name: value for name, value in match.groupdict().items() if value}
        yield Reference(
            source=source, kind=pattern.kind, text=parts.get("text", match[0]), strength=pattern.strength,
            start=match.start() + shift, end=match.end() + shift, parts=parts,
        )  # fmt: skip


def _excludes(accepted: Reference, reference: Reference) -> bool:
    """Return whether the accepted reference occupies the characters of the other reference.

    Both are kept if they occupy the same characters and belong to different sources.
    """
    if (accepted.start, accepted.end) == (reference.start, reference.end):
        return accepted.source == reference.source
    return accepted.start < reference.end and reference.start < accepted.end


def without_references(text: str, references: Sequence[Reference]) -> str:
    """Return the other words of a query: the text with a space in place of each reference."""
    for reference in sorted(references, key=lambda match: -match.start):
        text = f"{text[: reference.start]} {text[reference.end :]}"
    return " ".join(text.split())
