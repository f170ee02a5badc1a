"""Sort posts and write them as JSON. The results are cached until the community changes."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from samples import shapes
from samples.answers import encode
from samples.community import Repository
from samples.community.model import Post
from samples.paging import Key
from samples.shapes import Site

Shelf = tuple[int, str, str, str]


class Catalogue:
    """Sorted lists and JSON texts of posts. The class is not thread-safe. The caller must lock the community first."""

    def __init__(self, site: Site):
        self.site = site
        self._revision = -1
        self._keys: dict[Shelf, list[Key]] = {}
        self._written: dict[tuple[str, int, int], bytes] = {}
        self._talk: dict[int, Counter[int]] = {}

    def keys(self, repo: Repository, stream: str, sort: str, state: str = "all") -> list[Key]:
        """Return the sort keys of a stream's posts in ascending order, as pairs of (sort value, id).

        For issues, the id is the number. Only issues are filtered by ``state``.
        """
        self._forget_what_changed()
        shelf = (repo.id, stream, sort, state)
        if shelf not in self._keys:
            found = self._posts(repo, stream).items()
            if stream == "issues" and state != "all":
                found = {n: post for n, post in repo.issues.items() if post.state == state}.items()
            value = _SORTS.get(sort, _created)
            self._keys[shelf] = sorted((value(post), id_) for id_, post in found)
        return self._keys[shelf]

    def since(self, repo: Repository, stream: str, keys: list[Key], sort: str, since: str) -> list[Key]:
        """Return the ``keys`` of the posts that were updated at or after the time ``since``."""
        if sort == "updated":
            return keys[bisect_left(keys, (since, -1)) :]
        posts = self._posts(repo, stream)
        return [key for key in keys if posts[key[1]].updated_at >= since]

    def write(self, repo: Repository, stream: str, ids: Sequence[int]) -> list[bytes]:
        """Return each post as JSON, in the order of ``ids``. For issues, ``ids`` contains numbers."""
        self._forget_what_changed()
        return [self._write_one(repo, stream, id_) for id_ in ids]

    def of_thread(self, repo: Repository, stream: str, number: int) -> list[int]:
        return sorted(id_ for id_, post in self._posts(repo, stream).items() if post.number == number)

    def _write_one(self, repo: Repository, stream: str, id_: int) -> bytes:
        place = (stream, repo.id, id_)
        if place not in self._written:
            self._written[place] = encode(self._shape(repo, stream, id_))
        return self._written[place]

    def _shape(self, repo: Repository, stream: str, id_: int) -> object:
        if stream == "issue_comments":
            return shapes.comment(self.site, repo, repo.comments[id_])
        if stream == "review_comments":
            return shapes.review_comment(self.site, repo, repo.review_comments[id_])
        if repo.id not in self._talk:
            self._talk[repo.id] = Counter(comment.number for comment in repo.comments.values())
        return shapes.issue(self.site, repo, repo.issues[id_], self._talk[repo.id][id_])

    @staticmethod
    def _posts(repo: Repository, stream: str) -> Mapping[int, Post]:
        if stream == "issues":
            return repo.issues
        return repo.comments if stream == "issue_comments" else repo.review_comments

    def _forget_what_changed(self) -> None:
        if self._revision != self.site.community.revision:
            self._revision = self.site.community.revision
            self._keys, self._written, self._talk = {}, {}, {}


def _created(post: Post) -> str:
    return post.created_at


def _updated(post: Post) -> str:
    return post.updated_at


def _nothing(_: Post) -> str:
    return ""


_SORTS: dict[str, Callable[[Post], str]] = {"created": _created, "updated": _updated, "id": _nothing}
