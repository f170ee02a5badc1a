"""Addresses of GitHub's API: only their path and query are used, the host is always that of GITHUB_API_URL.

GitHub's answers contain whole URLs (links to pages, redirects), and one server may have several names: a proxy, an
explicit port, a host behind a load balancer. Therefore only the part below the API's root is stored and followed. A new
name needs no second collection, and the token is never sent to a host that an answer names.
"""

import re
from urllib.parse import SplitResult, quote, urlsplit

from core.errors import UnexpectedAnswer

ENTERPRISE = "/api/v3"
"""The root of the REST API at GitHub Enterprise Server; github.com has none.

https://docs.github.com/en/enterprise-server/rest/quickstart
"""
ROUTES = re.compile(r"/(?:repos|repositories|orgs|organizations|users?|teams|app|installation|rate_limit|meta)(?=/|$)")
"""Prefixes of the routes that GitHub links or redirects to."""
PORTS = {"http": 80, "https": 443}


def link_targets(header: str) -> dict[str, str]:
    """Return the addresses of a ``Link`` header by relation (``next``, ``last``), in one pass.

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
    """Return a name percent-encoded as one component of a path."""
    return quote(name, safe="")


def repository_path(full_name: str) -> str:
    """Return the route of a repository by its name ``owner/name``."""
    owner, _, name = full_name.partition("/")
    return f"/repos/{escaped(owner)}/{escaped(name)}"


def below_root(address: str, api_url: str) -> str:
    """Return path and query of an address below the API's root, beginning with ``/``.

    ``address`` begins with ``/`` or is a URL of this host or of another name of the server, with or without
    ``/api/v3``. Raises UnexpectedAnswer when the URL of another host has no route of GitHub's API.
    """
    try:
        parts, root = urlsplit(address), urlsplit(api_url)
        elsewhere = bool(parts.netloc) and _host(parts) != _host(root)
    except ValueError as error:
        raise UnexpectedAnswer("GitHub points to an address that cannot be read; run again later") from error
    path = parts.path or "/"
    for prefix in (root.path.rstrip("/"), ENTERPRISE):
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            path = path[len(prefix) :] or "/"
    if elsewhere or not path.startswith("/"):
        route = ROUTES.search(path)
        if route is None:
            raise UnexpectedAnswer("GitHub points to an address outside of its API; check GITHUB_API_URL")
        path = path[route.start() :]
    return f"{path}?{parts.query}" if parts.query else path


def _host(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Return scheme, host name and port; the port may be the scheme's default."""
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
