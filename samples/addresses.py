"""Find the repository that a URL names, and respond to git requests.

Requests with a former name are redirected with status 301: API requests to a URL with the repository's id, and git
requests to a URL with the current name.
"""

import re
from collections.abc import Callable
from pathlib import Path

from samples import git_http
from samples.answers import Answer, Refusal, Request, not_found
from samples.community import Repository
from samples.limits import Limits
from samples.shapes import Site

NAMED = re.compile(r"/repos/([^/]+/[^/]+)(/.*)?")
BY_ID = re.compile(r"/repositories/(\d+)(/.*)?")


def find_repository(site: Site, request: Request) -> tuple[Repository, str]:
    """Return the repository that an API path names, and the rest of the path.

    Raises Refusal for a former name (301), and for an unknown repository or path (404).
    """
    by_id, named = BY_ID.fullmatch(request.path), NAMED.fullmatch(request.path)
    try:
        if by_id:
            return site.community.repositories[int(by_id[1])], by_id[2] or ""
        if named is None:
            raise not_found()
        repo, former = site.community.find(named[1])
    except KeyError:
        raise not_found("/rest/repos/repos#get-a-repository") from None
    if former:
        url = f"{site.api}/repositories/{repo.id}{named[2] or ''}{_query(request)}"
        raise Refusal(301, "Moved Permanently", headers={"Location": url}, url=url)
    return repo, named[2] or ""


def answer_git(
    request: Request,
    address: tuple[str, str],
    site: Site,
    limits: Limits,
    git_dir: Callable[[Repository], Path | None],
) -> Answer:
    """Return the response to one request of a clone or fetch. Such requests use no quota.

    ``address`` is (owner/name, service), as ``git_http.find`` returns it.
    """
    full_name, service = address
    with site.community.lock:
        try:
            limits.user_of(request)
            repo, former = site.community.find(full_name)
        except Refusal:
            return git_http.refuse(401, {"WWW-Authenticate": 'Basic realm="GitHub"'})
        except KeyError:
            return git_http.refuse(404)
        present = site.community.full_name(repo)
    if former:
        return git_http.refuse(301, {"Location": f"{site.api}/{present}.git/{service}{_query(request)}"})
    return git_http.serve(request, service, git_dir(repo))


def _query(request: Request) -> str:
    query = request.target.partition("?")[2]
    return f"?{query}" if query else ""
