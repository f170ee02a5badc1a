"""Addresses of GitHub's API. Only the path and query of an address are used; the host is that of GITHUB_API_URL.

GitHub's answers contain whole URLs, such as links to pages and redirects. One server may have several names: a proxy,
an explicit port, or a host behind a load balancer. Therefore only the part below the API's root is stored and followed.
As a result, stored addresses survive a new server name, and the token is never sent to a host named by an answer.
"""

import re
from urllib.parse import SplitResult, quote, urlsplit

from core.errors import UnexpectedAnswer

ENTERPRISE = "/api/v3"
"""The path of the REST API on GitHub Enterprise Server. The API of github.com has no such path.

https://docs.github.com/en/enterprise-server/rest/quickstart
"""
ROUTES = re.compile(r"/(?:repos|repositories|orgs|organizations|users?|teams|app|installation|rate_limit|meta)(?=/|$)")
"""The first component of routes to which GitHub links or redirects."""
PORTS = {"http": 80, "https": 443}


def link_targets(header: str) -> dict[str, str]:
    """Return the addresses of a ``Link`` header by relation (``next``, ``last``).

    https://www.rfc-editor.org/rfc/rfc8288#section-3
    """
    targets: dict[str, str] = {}
    start = header.find("<")
    while start >= 0 and (end := header.find(">", start)) >= 0:
        next_start = header.find("<", end)
        parameters = header[end + 1 : next_start if next_start >= 0 else len(header)]
        for parameter in parameters.split(";"):
            name, _, value = parameter.strip(" \t,").partition("=")
            if name.strip().lower() == "rel":
                for relation in value.strip(' \t"').lower().split():
                    targets.setdefault(relation, header[start + 1 : end])
        start = next_start
    return targets


def escaped(name: str) -> str:
    """Return a name, percent-encoded as one component of a path."""
    return quote(name, safe="")


def repository_path(full_name: str) -> str:
    """Return the API route of a repository. ``full_name`` is ``owner/name``."""
    owner, _, name = full_name.partition("/")
    return f"/repos/{escaped(owner)}/{escaped(name)}"


def below_root(address: str, api_url: str) -> str:
    """Return the path and query of an address below the API's root, beginning with ``/``.

    ``address`` begins with ``/`` or is a URL, with or without ``/api/v3``. The URL may use another name of the server.
    Raises UnexpectedAnswer when the URL is invalid, or is on another host and contains no route of GitHub's API.
    """
    try:
        parts, root = urlsplit(address), urlsplit(api_url)
        elsewhere = bool(parts.netloc) and _host(parts) != _host(root)
    except ValueError as error:
        raise UnexpectedAnswer("GitHub returned a link that is not a valid URL; run again later") from error
    path = parts.path or "/"
    for prefix in (root.path.rstrip("/"), ENTERPRISE):
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            path = path[len(prefix) :] or "/"
    if elsewhere or not path.startswith("/"):
        route = ROUTES.search(path)
        if route is None:
            raise UnexpectedAnswer("GitHub returned a link to an address outside its API; check GITHUB_API_URL")
        path = path[route.start() :]
    return f"{path}?{parts.query}" if parts.query else path


def _host(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Return the scheme, host name and port. A missing port becomes the scheme's default port."""
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
