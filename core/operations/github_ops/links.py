"""Addresses of GitHub's API. Only path and query of an address count; the host is always that of GITHUB_API_URL.

GitHub answers with whole addresses (links to pages, redirects), and one server has many names: a proxy, an explicit
port, a host behind a load balancer. What is stored and followed is therefore the part below the API's root, so that a
new name needs no second collection, and the token never leaves for a host that an answer names.
"""

import re
from urllib.parse import SplitResult, quote, urlsplit

from core.errors import UnexpectedAnswer

ENTERPRISE = "/api/v3"
"""The root of the REST API at GitHub Enterprise Server; github.com has none.

https://docs.github.com/en/enterprise-server/rest/quickstart
"""
ROUTES = re.compile(r"/(?:repos|repositories|orgs|organizations|users?|teams|app|installation|rate_limit|meta)(?=/|$)")
"""How the routes begin that GitHub links or redirects to."""
PORTS = {"http": 80, "https": 443}


def link_targets(header: str) -> dict[str, str]:
    """Return the addresses of a ``Link`` header by relation (``next``, ``last``), in one pass.

    https://www.rfc-editor.org/rfc/rfc8288#section-3
    """
    targets: dict[str, str] = {}
    start = header.find("<")
    while start >= 0 and (end := header.find(">", start)) >= 0:
        following = header.find("<", end)
        parameters = header[end + 1 : following if following >= 0 else len(header)]
        for parameter in parameters.split(";"):
            name, _, value = parameter.strip(" \t,").partition("=")
            if name.strip().lower() == "rel":
                for relation in value.strip(' \t"').lower().split():
                    targets.setdefault(relation, header[start + 1 : end])
        start = following
    return targets


def escaped(name: str) -> str:
    """Return a name as one part of a path: whatever is in it, it adds no part, query or fragment to the address."""
    return quote(name, safe="")


def repository_path(full_name: str) -> str:
    """Return the route of a repository by its name ``owner/name``."""
    owner, _, name = full_name.partition("/")
    return f"/repos/{escaped(owner)}/{escaped(name)}"


def below_root(address: str, api_url: str) -> str:
    """Return path and query of an address below the API's root, beginning with ``/``.

    ``address`` may be whole (of this host, or of another name of the same server, with or without ``/api/v3``) or begin
    with ``/``. Raises UnexpectedAnswer when another host's address is not one of GitHub's API.
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
    """Scheme, name and port, the port also where it is the scheme's own."""
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)
