"""Numbers, times and collected texts as people read them."""

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
    """``12,345``."""
    return f"{number:,}"


@register.filter
def shown(text: object) -> str:
    """A collected text with everything in it visible."""
    return visible(str(text))


@register.filter
def words(name: object) -> str:
    """``issue_comments`` as ``issue comments``."""
    return visible(str(name)).replace("_", " ")
