"""Converts Markdown to plain text for search and to safe HTML for pages."""

from core.operations.markdown.html import safe_html
from core.operations.markdown.markup import PLAIN, Flavour, Markup, Reference, unix_lines
from core.operations.markdown.text import excerpt, plain_text, short_hashes, title_text, without_markup

__all__ = [
    "PLAIN",
    "Flavour",
    "Markup",
    "Reference",
    "excerpt",
    "plain_text",
    "safe_html",
    "short_hashes",
    "title_text",
    "unix_lines",
    "without_markup",
]
