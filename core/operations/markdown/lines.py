"""Line ends, and the lines of chat messages, as a CommonMark parser expects them."""

import re

FENCE = re.compile(r"(?P<mark>```)(?:(?P<info>[\w+#.-]*)\n)?(?P<code>.*?)```", re.DOTALL)
"""A code block of a chat message: it may begin and end in the middle of a line."""
REST = ">>> "
"""Quotes everything to the end of a chat message."""


def unix_lines(text: str) -> str:
    """Return the text with ``\\n`` for every line end: browsers write CRLF, old systems CR alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def chat_lines(text: str) -> str:
    """Return a chat message whose quotes and code blocks a CommonMark parser reads as chat programs do.

    A quote ends with its last ``>`` line: CommonMark would take the answer below it for a part of the quote.
    """
    if "```" in text:
        text = FENCE.sub(_fence_on_its_own_lines, text)
    lines: list[str] = []
    quoted = fenced = rest = False
    for line in text.split("\n"):
        fenced = fenced != line.lstrip("> ").startswith("```")
        if not fenced and not rest and line.startswith(REST):
            rest, line = True, f"> {line.removeprefix(REST)}"
        elif rest:
            line = f"> {line}"
        is_quote = line.startswith("> ") or line == ">"
        if quoted and not is_quote and line.strip():
            lines.append("")
        lines.append(line)
        quoted = is_quote
    return "\n".join(lines)


def _fence_on_its_own_lines(found: re.Match[str]) -> str:
    start = found.string.rfind("\n", 0, found.start()) + 1
    before = found.string[start : found.start()]
    if before.startswith(">"):
        return found[0]  # the quote's own marks stand between its lines
    if "\n" not in found[0] and (before.strip() or found.string[found.end() :].split("\n", 1)[0].strip()):
        return found[0]  # in the middle of a line: read as a code span
    code = found["code"].removesuffix("\n")
    after = "" if found.string[found.end() : found.end() + 1] in {"\n", ""} else "\n"
    return f"{chr(10) if before.strip() else ''}```{found['info'] or ''}\n{code}\n```{after}"
