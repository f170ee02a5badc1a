"""Fits query texts to the server's schema and to the permissions of the token.

Introspection reads the schema once a day for each API address. If a server does not allow introspection, texts are sent
unchanged, and parts that the server refuses are left out from then on.
"""

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from core.errors import AccessDenied, NotFound, SliceRefused, UnexpectedAnswer
from core.operations.files import open_atomic
from core.operations.github_ops.server_schema import (
    Extend,
    ServerSchema,
    TypeInfo,
    introspection_query,
    read_types,
    schema_from_json,
    schema_to_json,
)

if TYPE_CHECKING:  # graphql-core takes a quarter of a second to load, and many commands do not need it
    from core.operations.github_ops.query_pruning import Pruned

logger = logging.getLogger(__name__)
VALID_FOR = timedelta(hours=24)
"""Age after which the schema is read again, because github.com adds event types every month."""
TRUSTED_FOR = timedelta(minutes=5)
"""Age below which the schema is not read again after a refusal, because schemas rarely change within minutes."""
MOST_READS = 12
"""Maximum number of introspection requests of one process.

A server that refuses many of them must not use up the budget.
"""
SMALLEST_READ = 8
"""Number of types at which a refused introspection query is no longer split.

A query for so few types is not too large, so another cause is likely.
"""
MOST_KEYS = 2_000
"""Maximum number of stored refusals. A server that refuses more parts cannot be collected in a useful way."""
LARGEST_FILE = 8 * 1024 * 1024
"""Maximum bytes of a stored file; a larger file is ignored. The schema of github.com takes about 150,000 bytes."""
REMEMBERED_TEXTS = 64
"""Number of fitted query texts that stay in memory, so that a text is not parsed for each request.

A larger value would use more memory.
"""
NEVER = datetime.min.replace(tzinfo=UTC)
Ask = Callable[[str], Mapping[str, Any]]
"""A function that sends a query text unchanged and returns the data of the answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextRules:
    """A tracker's declarations for its query texts, such as older names of fields."""

    types: Sequence[str] = ()
    """Types to read in the first introspection. Other types are read when a text needs them."""
    essential: frozenset[str] = frozenset()
    """Types that every server has. An introspection answer that lacks one of these types is not trusted."""
    unions: Sequence[str] = ()
    """Unions for which introspection also reads the fields of all member types."""
    substitutes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Older names of fields, by current name."""
    extend: Extend | None = None


@dataclass(kw_only=True)
class Knowledge:
    """The known facts about one server. ``read_at`` is the time (UTC) of the last introspection or of its refusal."""

    schema: ServerSchema | None = None
    read_at: datetime = NEVER
    refused: set[str] = field(default_factory=set[str])
    refused_for: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Keys of parts that need an OAuth scope, by the fingerprint of a token that lacks this scope."""
    reported: set[str] = field(default_factory=set[str])
    """Keys that were logged as missing since the schema was last read."""


class QueryFitter:
    """Fits query texts to one server. It is thread-safe and stores its knowledge in a file in ``folder`` between runs.

    Several processes may share the folder. Each process writes the whole file. If another process overwrites an entry,
    the entry is learned again.
    """

    def __init__(self, url: str, folder: Path | None, rules: TextRules) -> None:
        self.url, self.rules = url, rules
        name = hashlib.sha256(url.encode()).hexdigest()[:24]
        self.file = None if folder is None else folder / f"{name}.json"
        self._lock = RLock()
        self._knowledge = _load(self.file, url)
        self._reads = 0
        self._silent = self._retried = False
        self._pruned: OrderedDict[tuple[str, frozenset[str], str], Pruned] = OrderedDict()

    def prepare(self, text: str, ask: Ask) -> None:
        """Read the unknown types that are needed to fit ``text``.

        Raises the errors of ``ask``, except errors that mean that the server does not allow introspection.
        """
        with self._lock:
            if self._is_outdated():
                self._read_all(ask)
            while (schema := self._knowledge.schema) is not None and not self._silent:
                missing = self._prune(text, frozenset(), "").missing
                if not missing or not self._read(sorted(missing), ask, schema):
                    return

    def fit(self, text: str, scopes: Collection[str], fingerprint: str) -> str:
        """Return the text without the parts that the server lacks or the token may not read.

        Raises NotFound with the reason ``not_supported`` when no part is left.
        """
        with self._lock:
            pruned = self._prune(text, frozenset(scopes), fingerprint)
            self._report(pruned.dropped)
            if not pruned.text:
                raise NotFound("This GitHub server supports no part of the query", reason="not_supported")
            return pruned.text

    def learn(self, sent: str, body: object, fingerprint: str) -> bool:
        """Store the parts of a query that the server rejected, and return whether to send the query again.

        If the schema is known, a rejection means that the schema has changed. The schema is then read again.
        """
        if not isinstance(body, Mapping) or not body.get("errors") or body.get("data"):  # pyright: ignore[reportUnknownMemberType]  # any JSON
            return False
        from core.operations.github_ops.query_rejections import rejections

        with self._lock:
            known, refusal = self._knowledge, rejections(sent, body)  # pyright: ignore[reportUnknownArgumentType]  # any JSON
            needed = known.refused_for.setdefault(fingerprint, set()) if refusal.scopes else set[str]()
            new = (refusal.lacking - known.refused) | (refusal.scopes - needed)
            if not new or len(known.refused) + len(needed) + len(new) > MOST_KEYS:
                return False
            self._pruned.clear()
            needed |= refusal.scopes
            if refusal.lacking and known.schema and not self._retried and _age(known.read_at) > TRUSTED_FOR:
                known.read_at, self._silent, self._retried = NEVER, False, True
                logger.info("the server's schema has changed; reading it again api=%s", self.url)
                return True
            known.refused |= refusal.lacking
            known.reported |= {key.removeprefix("type:") for key in new}
            logger.warning("the server refused parts of a query, which are left out from now on api=%s parts=%s",
                           self.url, ", ".join(sorted(new)))  # fmt: skip
            self._save()
            return True

    def _is_outdated(self) -> bool:
        return not self._silent and not timedelta(0) <= _age(self._knowledge.read_at) < VALID_FOR

    def _read_all(self, ask: Ask) -> None:
        """Read every type that was ever needed. If this succeeds, clear the stored refusals."""
        known = self._knowledge
        needed = {*known.schema.types, *known.schema.absent} if known.schema else set[str]()
        names = needed | {*self.rules.types, *self.rules.unions}
        members = {one for name in self.rules.unions for one in _members(known.schema, name)}
        before = known.read_at
        self._read(sorted(names - members), ask, ServerSchema())
        if known.read_at != before:
            known.refused.clear()
            known.refused_for.clear()
            known.reported.clear()
            self._pruned.clear()
            self._save()

    def _read(self, names: Sequence[str], ask: Ask, schema: ServerSchema) -> bool:
        """Read types from the server and store ``schema`` with them. Return False if introspection is not possible."""
        waiting, types = [list(names)], dict[str, TypeInfo]()
        while waiting:
            batch = waiting.pop()
            if self._reads >= MOST_READS:
                return self._give_up("it took too many requests")
            self._reads += 1
            try:
                types |= read_types(ask(introspection_query(batch, self.rules.unions)), batch)
            except SliceRefused as error:
                if len(batch) <= SMALLEST_READ:
                    return self._give_up(str(error))
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
            except (AccessDenied, NotFound, UnexpectedAnswer) as error:
                self._knowledge.read_at = datetime.now(UTC)  # a definite answer, valid for a day
                return self._give_up(str(error))
            except (KeyError, TypeError, AttributeError) as error:
                return self._give_up(f"its answer is not as documented ({type(error).__name__})")
        if absent := self.rules.essential & set(names) - types.keys():
            return self._give_up(f"its answer does not contain {', '.join(sorted(absent))}")
        self._pruned.clear()
        known = self._knowledge
        known.schema = schema.extended(types, names)
        if not schema.types:
            known.read_at, self._retried = datetime.now(UTC), False
            logger.info("schema read api=%s types=%s", self.url, len(known.schema.types))
        self._save()
        return True

    def _give_up(self, reason: str) -> bool:
        """Stop introspection in this process and return False. Earlier knowledge stays in use."""
        self._silent = True
        logger.warning("the server's schema cannot be read; queries are sent without it api=%s reason=%s",
                       self.url, reason)  # fmt: skip
        return False

    def _prune(self, text: str, scopes: frozenset[str], fingerprint: str) -> "Pruned":
        from core.operations.github_ops.query_pruning import Limits, prune

        known = self._knowledge
        key = (text, scopes, fingerprint if fingerprint in known.refused_for else "")
        if key not in self._pruned:
            refused = frozenset(known.refused | known.refused_for.get(fingerprint, set()))
            limits = Limits(schema=known.schema, refused=refused, scopes=scopes)
            self._pruned[key] = prune(text, limits, substitutes=self.rules.substitutes, extend=self.rules.extend)
            if len(self._pruned) > REMEMBERED_TEXTS:
                self._pruned.popitem(last=False)
        self._pruned.move_to_end(key)
        return self._pruned[key]

    def _report(self, dropped: Collection[str]) -> None:
        """Log the fields that the server lacks. Each field is logged once a day."""
        if new := set(dropped) - self._knowledge.reported:
            self._knowledge.reported |= new
            fields = ", ".join(sorted(new))
            logger.warning("the server lacks fields, which are left out of queries api=%s fields=%s", self.url, fields)
            self._save()

    def _save(self) -> None:
        if self.file is None:
            return
        known = self._knowledge
        stored = {
            "url": self.url,
            "read_at": known.read_at.isoformat(),
            "refused": sorted(known.refused),
            "refused_for": {token: sorted(keys) for token, keys in known.refused_for.items()},
            "reported": sorted(known.reported),
            "schema": schema_to_json(known.schema) if known.schema else None,
        }
        try:
            with open_atomic(self.file) as file:
                json.dump(stored, file, separators=(",", ":"))
        except OSError as error:
            logger.warning("the server's schema cannot be stored file=%s reason=%s", self.file, error.strerror)


def _age(moment: datetime) -> timedelta:
    return datetime.now(UTC) - moment


def _members(schema: ServerSchema | None, union: str) -> Sequence[str]:
    info = schema.types.get(union) if schema else None
    return info.members if info else ()


def _load(file: Path | None, url: str) -> Knowledge:
    """Return the stored knowledge, or empty knowledge if the file is missing, unusable or for another server."""
    try:
        if file is None or file.stat().st_size > LARGEST_FILE:
            return Knowledge()
        stored: Any = json.loads(file.read_bytes())
        if stored["url"] != url:
            return Knowledge()
        return Knowledge(
            schema=schema_from_json(stored["schema"]) if stored["schema"] else None,
            read_at=datetime.fromisoformat(stored["read_at"]).astimezone(UTC),
            refused={str(key) for key in stored["refused"]},
            reported={str(key) for key in stored["reported"]},
            refused_for={str(token): {str(key) for key in keys} for token, keys in stored["refused_for"].items()},
        )
    except FileNotFoundError:
        return Knowledge()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.info("the stored schema is not usable; reading it again reason=%s", type(error).__name__)
        return Knowledge()
