"""Short forms of texts in documents."""


def quoted(text: str, limit: int = 60) -> str:
    """Return the beginning of a text as one line."""
    line = " ".join(text[: 5 * limit].split())
    return line if len(line) <= limit else f"{line[:limit].rstrip()}…"
