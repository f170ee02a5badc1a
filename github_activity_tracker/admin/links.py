"""What the pages of this tracker share."""

from typing import Any

from django.contrib import admin

from core.admin import link


class SourceLink:
    """A column that leads to GitHub."""

    @admin.display(description="source")
    def source(self, row: Any) -> Any:
        """The row on GitHub."""
        return link(row.html_url)


class Beginning:
    """A column with the first words of a text."""

    @admin.display(description="text")
    def start(self, post: Any) -> str:
        """The first words."""
        return (post.body or "")[:100]
