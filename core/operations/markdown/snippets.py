"""Readable parts of posts. A part may begin and end inside markup, so that no parser can read it."""

import re

TAGS = (
    "a|abbr|b|blockquote|br|center|code|dd|del|details|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd|li|ol|p|picture|pre"
    "|q|s|samp|small|source|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var|video"
)
"""Names of elements that posts contain; ``vector<int>`` has no tag.

https://github.github.com/gfm/#raw-html
"""
ADDRESS = r"\(\s*<?(?:https?://|mailto:|[/#.])(?:[^\s()]|\([^\s()]*\))*>?(?:\s+\"[^\"]*\")?\s*(?:\)|$)"
LINK = re.compile(rf"!?\[([^\[\]]*)\]{ADDRESS}")
"""A link or picture with the words that are shown, also where the part ends inside its address."""
REST_OF_LINK = re.compile(r"\A[^\s()\[\]]*[/.][^\s()\[\]]*\)")
"""The end of an address at the beginning of a part."""
PICTURE = re.compile(r"<img\s[^<>]*?\balt=\"([^\"]*)\"[^<>]*(?:>|\Z)", re.IGNORECASE)
TAG = re.compile(
    rf"<!--.*?(?:-->|\Z)|\A[^<>]*?-->|</?(?:{TAGS})(?:\s[^<>]*)?/?(?:>|\Z)|\A[^<>]*\"\s*/?>", re.DOTALL | re.IGNORECASE
)
"""Comments and tags, also where the part begins or ends inside one."""
MARK = re.compile(
    r"(?<!\S)(?:`{3,}|~{3,})[\w+-]*(?!\S)"
    r"|^[ \t]{0,3}(?:#{1,6}[ \t]+|(?:>[ \t]?)+|[-*+][ \t]+\[[ xX]\][ \t]+)",
    re.MULTILINE,
)
"""Fences, headings, quotes and check boxes."""
BOLD = re.compile(r"(?<![\w*])\*\*(?=[^\s*])([^*\n]*[^\s*])\*\*(?![\w*])")
"""Whole pairs of marks: ``**`` alone is an operator, and ``__init__`` is a name."""


def without_markup(part: str) -> str:
    """Return a part of a post without Markdown and HTML; its words, its code and its line ends stay."""
    previous = ""
    while part != previous:  # a link may contain a picture
        previous, part = part, LINK.sub(r"\1", part)
    return BOLD.sub(r"\1", MARK.sub("", TAG.sub("", PICTURE.sub(r"\1", REST_OF_LINK.sub("", part)))))
