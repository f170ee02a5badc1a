"""Markdown as text for search and as HTML that is safe to show."""

from core.operations.markdown.html import safe_html
from core.operations.markdown.lines import unix_lines
from core.operations.markdown.markup import PLAIN, Flavour, Markup, Reference
from core.operations.markdown.snippets import without_markup
from core.operations.markdown.words import excerpt, plain_text

__all__ = [
    "PLAIN",
    "Flavour",
    "Markup",
    "Reference",
    "excerpt",
    "plain_text",
    "safe_html",
    "unix_lines",
    "without_markup",
]
