"""Collected texts as pages show them: nothing in them can act, hide or turn the line around."""

import unicodedata

from django.utils.safestring import SafeString, mark_safe

from core.operations.markdown import PLAIN, Markup, safe_html, unix_lines

SHOWN = 20_000
"""Characters of a text that a page shows at once."""
BUDGET = 300_000
"""Characters that one page renders in all; what comes later is shown shorter."""
SHORT = 1_000
JOINERS = {"\u200c", "\u200d"}
"""They hold emoji and letters of some scripts together, and are left alone there."""


def visible(text: str) -> str:
    """Replace what cannot be seen or changes the direction of what follows by its number, such as ``‹U+202E›``."""
    if text.isascii() and text.isprintable():
        return text
    text = unix_lines(text)
    return "".join(
        f"‹U+{ord(sign):04X}›" if _hidden(sign, text[max(0, at - 1) : at]) else sign for at, sign in enumerate(text)
    )


def _hidden(sign: str, before: str) -> bool:
    """Whether a reader could not tell that the sign is there."""
    if sign in "\n\t":
        return False
    if sign in JOINERS:
        return not before or before.isascii()
    return unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co"} or sign in "\u2028\u2029\u115f\u1160\u3164\uffa0"


class Renderer:
    """Renders the texts of one page within a budget, so that no page takes long whatever was written."""

    def __init__(self, budget: int = BUDGET, markup: Markup = PLAIN) -> None:
        self._left, self._markup = budget, markup

    def render(self, text: str) -> tuple[SafeString, bool]:
        """Safe HTML of the text's beginning, and whether that was all of it."""
        room = SHOWN if self._left > SHOWN else SHORT
        beginning = text[:room]
        self._left -= len(beginning)
        # Safe: tags that people wrote are cut down to harmless ones, and what the parser made was cleaned.
        return mark_safe(safe_html(visible(beginning), self._markup)), len(text) <= room  # noqa: S308
