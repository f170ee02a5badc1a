"""Collected texts as pages show them: nothing in them can act, hide or turn the line around."""

from django.utils.safestring import SafeString, mark_safe

from core.operations.markdown import PLAIN, Markup, safe_html
from core.operations.visible import visible

SHOWN = 20_000
"""Characters of a text that a page shows at once."""
BUDGET = 300_000
"""Characters that one page renders in all; what comes later is shown shorter."""
SHORT = 1_000


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
