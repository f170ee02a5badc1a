"""Access to other services, and helpers for files and Markdown. Core sends requests only through this package.

The names below are public; see docs/Core_public_API.md. Each name is imported at its first use, so that a command loads
only the libraries that it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.operations.bounds import Allowance
    from core.operations.files import Workspace, open_atomic
    from core.operations.http import Response, Transport
    from core.operations.markdown import PLAIN, Flavour, Markup, Reference, excerpt, plain_text, safe_html
    from core.operations.slack_ops import Message, SlackClient, open_slack

__all__ = [
    "PLAIN",
    "Allowance",
    "Flavour",
    "Markup",
    "Message",
    "Reference",
    "Response",
    "SlackClient",
    "Transport",
    "Workspace",
    "excerpt",
    "open_atomic",
    "open_slack",
    "plain_text",
    "safe_html",
]
_MODULES = {
    "bounds": ("Allowance",),
    "files": ("Workspace", "open_atomic"),
    "http": ("Response", "Transport"),
    "markdown": ("PLAIN", "Flavour", "Markup", "Reference", "excerpt", "plain_text", "safe_html"),
    "slack_ops": ("Message", "SlackClient", "open_slack"),
}


def __getattr__(name: str) -> Any:
    """Import the module of a public object and return the object. Raises AttributeError for other names."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
