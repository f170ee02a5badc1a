"""Access to GitHub: the REST and GraphQL APIs, repositories over git, tokens and Apps.

The names below are public; see docs/Core_public_API.md. Each name is imported at its first use, so that a command loads
only the libraries that it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.operations.github_ops.answers import GraphQLAnswer, NodeError
    from core.operations.github_ops.app_auth import GitHubApp, read_app_credentials
    from core.operations.github_ops.client import Answer, GitHubClient
    from core.operations.github_ops.git import GitMirror, Refs, repository_url
    from core.operations.github_ops.git_log import RawCommit
    from core.operations.github_ops.tokens import Token, TokenPool

__all__ = [
    "Answer",
    "GitHubApp",
    "GitHubClient",
    "GitMirror",
    "GraphQLAnswer",
    "NodeError",
    "RawCommit",
    "Refs",
    "Token",
    "TokenPool",
    "read_app_credentials",
    "repository_url",
]
_MODULES = {
    "answers": ("GraphQLAnswer", "NodeError"),
    "app_auth": ("GitHubApp", "read_app_credentials"),
    "client": ("Answer", "GitHubClient"),
    "git": ("GitMirror", "Refs", "repository_url"),
    "git_log": ("RawCommit",),
    "tokens": ("Token", "TokenPool"),
}


def __getattr__(name: str) -> Any:
    """Import the module of a public object and return the object. Raises AttributeError for other names."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
