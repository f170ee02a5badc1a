"""Words that PostgreSQL's parser does not see: parts of identifiers, and pairs of characters where no blanks are."""

import re

NAME = re.compile(r"[A-Za-z0-9]+(?:[_./:-]+[A-Za-z0-9]+)*")
COMPOUND = re.compile(r"[_./:-]|[a-z0-9][A-Z]")
PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uff66-\uff9f\U00020000-\U0003ffff]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese, Korean: written without blanks, or with endings glued on."""


MOST_PLAIN, LONGEST_PLAIN = 100_000, 32
_plain: set[str] = set()
"""Words that are no compounds: a language has about as many in use, and to know them is cheaper than to look."""


def extra_words(text: str) -> str:
    """Each word once, in the order of the text."""
    found: dict[str, None] = {}
    for name in dict.fromkeys(NAME.findall(text)):
        if name in _plain:
            continue
        if COMPOUND.search(name):
            found |= dict.fromkeys(part.lower() for part in PARTS.findall(name) if len(part) > 1)
        elif len(name) <= LONGEST_PLAIN:
            if len(_plain) >= MOST_PLAIN:
                _plain.clear()
            _plain.add(name)
    for run in () if text.isascii() else UNSPACED.findall(text):
        found |= dict.fromkeys(run[place : place + 2] for place in range(max(1, len(run) - 1)))
    return " ".join(found)
