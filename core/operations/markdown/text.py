"""Plain text from Markdown: whole texts for search, excerpts for lists, and parts of posts for search results."""

import re
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from core.operations.markdown.inline import SMALL, split_references, with_emoji, without_tags
from core.operations.markdown.markup import PLAIN, Flavour, Markup, Reference, tokens

EXCERPT_SOURCE = 4000
"""Number of leading characters that are parsed for an excerpt. Excerpts are short, so the rest is not needed."""
LINE_ENDS = {"softbreak", "hardbreak"}
HASH = re.compile(r"\b(?:[0-9a-f]{40}|[0-9a-f]{64})\b")
SHORT_HASH = 7
SPOILER = re.compile(r"\|\|.+?\|\|", re.DOTALL)


def plain_text(markdown: str) -> str:
    """Return the words of a text without markup and without the addresses of links. Code stays."""
    lines = (text for text, _ in _lines(tokens(markdown, Flavour.COMMONMARK), PLAIN))
    return "\n".join(lines).strip()


def excerpt(markdown: str, markup: Markup = PLAIN, limit: int = 200) -> str:
    """Return the first words of a text in one line of at most ``limit`` characters, without markup, quotes and code.

    If the text has only quotes and code, return the words of the quotes. If it has only code, return the code.
    """
    lines = list(_lines(tokens(markdown[:EXCERPT_SOURCE], markup.flavour), markup))
    for kinds in ({"text"}, {"text", "quote"}, {"text", "quote", "code"}):
        if words := " ".join(" ".join(text for text, kind in lines if kind in kinds).split()):
            words = short_hashes(words)
            return words if len(words) <= limit else f"{words[: limit - 1].rstrip()}…"
    return ""


def short_hashes(text: str) -> str:
    """Return the text with each Git hash cut to its first ``SHORT_HASH`` digits."""
    return HASH.sub(lambda match: match[0][:SHORT_HASH], text)


TITLE_CODE = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>[^`]+)(?P=ticks)(?!`)")
"""Pattern of code in a title. Code is the only markup that GitHub renders in titles."""


def title_text(title: str) -> str:
    """Return a title without the backticks around code."""
    return TITLE_CODE.sub(lambda match: match["code"], title) if "`" in title else title


def _lines(tokens: Sequence[Token], markup: Markup) -> Iterator[tuple[str, str]]:
    """Yield the text of each block with its kind: ``text``, ``quote`` or ``code``."""
    quotes = 0
    for token in tokens:
        if token.type in {"blockquote_open", "blockquote_close"}:
            quotes += token.nesting
        elif token.type in {"fence", "code_block"}:
            yield token.content.rstrip(), "code"
        elif token.type == "html_block":
            yield without_tags(token.content), "text"
        elif token.type == "inline":
            words = "".join(_words(token.children or (), markup))
            if markup.flavour is Flavour.CHAT:
                words = SPOILER.sub("(spoiler)", words.removeprefix(SMALL))
            yield words, "quote" if quotes else "text"


def _words(children: Sequence[Token], markup: Markup) -> Iterator[str]:
    for child in children:
        if child.type in LINE_ENDS:
            yield "\n"
        elif child.type == "text":
            for part in split_references(child.content, markup):
                words = part.text if isinstance(part, Reference) else part
                yield with_emoji(words) if markup.flavour is Flavour.GFM else words
        elif child.type in {"text_special", "code_inline", "image"}:
            yield child.content


TAGS = (
    "a|abbr|b|blockquote|br|center|code|dd|del|details|div|dl|dt|em|font|h[1-6]|hr|i|img|ins|kbd|li|ol|p|picture|pre"
    "|q|s|samp|small|source|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var|video"
)
"""Names of HTML elements that posts use. Other text in angle brackets stays, such as ``vector<int>``.

https://github.github.com/gfm/#raw-html
"""
ADDRESS = r"\(\s*<?(?:https?://|mailto:|[/#.])(?:[^\s()]|\([^\s()]*\))*>?(?:\s+\"[^\"]*\")?\s*(?:\)|$)"
LINK_DEPTH = 4
"""Maximum nesting depth of links and pictures. A picture in a link has depth 2. A larger value would take more time."""
LINK = re.compile(rf"!?\[([^\[\]]*)\]{ADDRESS}")
"""A link or picture with its text. The part of the post may end inside the address."""
REST_OF_LINK = re.compile(r"\A[^\s()\[\]]*[/.][^\s()\[\]]*\)")
"""The rest of a link's address at the beginning of a part of a post, if the link begins before this part."""
PICTURE = r"<img\s[^<>]*?\balt=\"(?P<alt>[^\"]*)\"[^<>]*(?:>|\Z)"
TAG = rf"<!--.*?(?:-->|\Z)|\A[^<>]*?-->|</?(?:{TAGS})(?:\s[^<>]*)?/?(?:>|\Z)|\A[^<>]*\"\s*/?>"
"""Comments and tags. The part of the post may begin or end inside a comment or tag."""
MARK = (
    r"(?<!\S)(?:`{3,}|~{3,})[\w+-]*(?!\S)"
    r"|^[ \t]{0,3}(?:#{1,6}[ \t]+|(?:>[ \t]?)+|[-*+][ \t]+\[[ xX]\][ \t]+)"
    r"|^[ \t]{0,3}(?:-{3,}|\|?(?:[ \t]{0,9}:?-+:?[ \t]{0,9}\|)+(?:[ \t]{0,9}:?-+:?)?)[ \t]{0,9}$"
)
"""Markers of code blocks, headings, quotes and check boxes, horizontal rules, and the separator line of a table."""
CODE = r"(?<!`)(?P<ticks>`{1,3})(?!`)(?P<code>\S(?:[^\n]{0,400}?\S)?)(?P=ticks)(?!`)"
QUOTED = r"(?P<quoted>`[^`'\s]{1,80}')"
"""A name in the quotes that compilers use, such as ``undefined reference to `main'``."""
END = r"(?=[\s.,;:!?)\"'\]]|\Z)"
NO_POINTER = r"(?<!char )(?<!void )(?<!int )"
PAIRS = (
    rf"(?<![\w*/]){NO_POINTER}\*\*(?=[^\s*])(?P<bold>(?:[^*\n]|\*(?!\*))*[^\s*])\*\*(?![\w*/])"
    r"|(?<!~)~~(?=[^\s~])(?P<struck>[^~\n]*[^\s~])~~(?!~)"
    rf"|(?<![^\s(\"'\[])\*(?=[^\s*])(?P<italic>[^*\n]*[^\s*/])\*{END}"
    rf"|(?<![^\s(\"'\[])_(?=[^\s_])(?P<words>[^_\n]*\s[^_\n]*[^\s_])_{END}"
)
"""Text between two emphasis markers. A single ``*`` or ``**`` may be an operator, and ``__init__`` is a name."""
HALVES = (
    r"`{1,3}"
    rf"|(?<![\w*/(\[{{=,]){NO_POINTER}\*\*(?=[^\s*/])(?!\w+\s*[,)\]}}=:])"
    r"|(?<=[^\s*/])(?<!char)(?<!void)(?<!int)\*\*(?![\w*/(])"
)
"""A marker of code or bold text, if the other marker is outside the part of the post.

``**`` in C and Python code stays.
"""
EMPHASIS = re.compile(f"{CODE}|{PAIRS}")
MARKUP = re.compile(f"{CODE}|{QUOTED}|(?i:{PICTURE}|{TAG})|{MARK}|{PAIRS}|{HALVES}", re.DOTALL | re.MULTILINE)


def without_markup(part: str) -> str:
    """Return a part of a post without Markdown and HTML markup. Words, code and line ends stay.

    The part may begin or end inside markup, so a parser cannot be used.
    """
    for _ in range(LINK_DEPTH):
        part = LINK.sub(r"\1", part)
    return MARKUP.sub(_inside, REST_OF_LINK.sub("", part))


def _inside(match: re.Match[str]) -> str:
    """Return the text inside the markup. Code and names stay unchanged. Emphasis markers in other text are removed."""
    groups = match.groupdict()
    if exact := groups["code"] or groups.get("quoted") or groups.get("alt"):
        return exact
    words = groups["bold"] or groups["struck"] or groups["italic"] or groups["words"]
    return EMPHASIS.sub(_inside, words) if words else ""
