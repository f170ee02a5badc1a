"""Template filters that format numbers, times and collected texts."""

from django import template

from core.operations.visible import visible
from core.pages.labels import ago, span, took
from core.pages.runs import progress_in_words

register = template.Library()
register.filter(ago)
register.filter(progress_in_words)
register.filter(took)
register.filter(span)


@register.filter
def thousands(number: int) -> str:
    """Return a number with thousands separators, such as ``12,345``."""
    return f"{number:,}"


@register.filter
def shown(text: object) -> str:
    """Return a collected text in which hidden characters are visible as code points."""
    return visible(str(text))


@register.filter
def words(name: object) -> str:
    """Return a name with spaces instead of underscores, such as ``issue comments`` for ``issue_comments``."""
    return visible(str(name)).replace("_", " ")
