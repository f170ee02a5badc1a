"""Conditions for texts that contain a phrase: a text query that selects candidates, and a pattern that verifies them.

The indexes of words know no punctuation, and they split identifiers. They therefore select the chunks that contain the
words of the phrase, and the pattern is compared with the texts of these chunks.
"""

import re

PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uff66-\uff9f\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese or Korean text: words without spaces, or with attached endings."""
WORD = re.compile(r"[^\W_]+")
LONGEST_WORD = 200
"""Maximum number of characters of a word that selects candidates. PostgreSQL's lexemes have at most 2,046 bytes."""
MOST_TERMS = 4
"""Maximum number of words that select candidates. Long words are rare, and more words would make the search slower."""
ANY_END = ":*"
"""End of a term that matches every lexeme with this beginning."""
SPECIAL = re.compile(r"[!-/:-@\[-^`{-~]")
"""ASCII punctuation, which may have a meaning in a regular expression. Other characters have none."""
BETWEEN_WORDS = r"[*_`~]*\s+[*_`~]*"
"""Spaces between two words, with Markdown around them. A phrase that was copied from a page has no Markdown."""


def candidate_terms(phrase: str) -> list[str]:
    """Return tsqueries that every text with the phrase matches in ``tsv`` or ``tsv_simple``, the longest first.

    Returns an empty list for a phrase without letters and digits.
    """
    terms: dict[str, None] = {}
    short: dict[str, None] = {}
    for word in WORD.findall(phrase):
        for term in _unspaced_terms(word) if UNSPACED.search(word) else [_word_term(word)]:
            (terms if len(term) > len("'a'") and not term.endswith(ANY_END) else short)[term] = None
    return sorted(terms or short, key=len, reverse=True)[:MOST_TERMS]


def _word_term(word: str) -> str:
    """Return a term for a word.

    ``tsv_simple`` contains the word, or only its parts if the word belongs to an identifier such as ``a.parseHeader``.
    """
    if len(word) > LONGEST_WORD:
        return f"{_quoted(word[:LONGEST_WORD])}{ANY_END}"
    parts = [part for part in PARTS.findall(word) if len(part) > 1]
    if not word.isascii() or not parts or parts == [word]:
        return _quoted(word)
    return f"({_quoted(word)} | ({' & '.join(map(_quoted, parts))}))"


def _unspaced_terms(word: str) -> list[str]:
    """Return the pairs of characters that ``tsv_simple`` contains. A single character is the beginning of a pair."""
    runs = [run[:LONGEST_WORD] for run in UNSPACED.findall(word)]
    pairs = [_quoted(run[start : start + 2]) for run in runs for start in range(len(run) - 1)]
    return pairs or [f"{_quoted(run)}{ANY_END}" for run in runs]


def _quoted(word: str) -> str:
    return f"'{word.lower()}'"


def pattern(phrase: str) -> str:
    """Return a regular expression of PostgreSQL that matches the phrase between words, for ``~*``.

    Each space matches any number of spaces and line breaks.
    """
    escaped = BETWEEN_WORDS.join(SPECIAL.sub(r"\\\g<0>", part) for part in phrase.split())
    begin = r"(?<![A-Za-z0-9])" if re.match("[A-Za-z0-9]", phrase) else ""
    end = r"(?![A-Za-z0-9])" if re.search("[A-Za-z0-9]$", phrase) else ""
    return f"{begin}{escaped}{end}"
