"""From a name to the repository that has it now: its scope, its facts, and what became of the one that had it before.

A repository is its numeric id. A name can move to another repository: when one is deleted and the name is used again,
and when one is renamed and another takes the old name. GitHub's answer decides which it is:

- The id answers: it is the same repository, whatever it is called now.
- The id answers 404 and the name answers another id: the repository is gone. It is marked as deleted with everything
  in it, and the one that has the name now is collected as a scope of its own.
- Both answer 404: it may have been deleted or made private, and GitHub does not say which. Nothing is marked as
  deleted; every run reports it.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from core.errors import AccessDenied, CollectorError, NotFound, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.models import Scope
from core.operations.github_ops.client import GitHubClient
from github_activity_tracker import convert, fetch, store
from github_activity_tracker.collector.failures import ENDS_RUN, ISOLATED, UNFORESEEN, Failure
from github_activity_tracker.collector.options import Target
from github_activity_tracker.collector.outage import Outage
from github_activity_tracker.collector.plan import Plan
from github_activity_tracker.payloads import RepositoryPayload

logger = logging.getLogger(__name__)
GONE = frozenset({"not_found", "gone"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A repository that is ready to be collected.

    ``facts`` is None where GraphQL did not tell them; ``failure`` says why when that is not by design.
    ``node_id`` is empty where nothing told it. ``notes`` are lines for people.
    """

    scope: Scope
    facts: Mapping[str, Any] | None
    node_id: str
    failure: Failure | None = None
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Opening:
    """Opens the repositories of one run."""

    client: GitHubClient
    plan: Plan
    outage: Outage

    def open(self, target: Target, counts: Counter[str]) -> Opened:
        """Return the repository of a target, stored under its present name.

        Raises what makes it impossible to collect: ``NotFound``, ``AccessDenied`` and what ``GitHubClient`` raises.
        """
        facts = self.plan.facts_of(self.client, self.outage, target)
        from_facts = _of_facts(facts) if facts is not None else self._failure(target)
        opened = from_facts if isinstance(from_facts, Opened) else self._over_rest(target, from_facts, counts)
        if target.named and target.known_id and opened.scope.external_id == str(target.known_id):
            self._follow_name(target, opened.scope)
        return opened

    def _failure(self, target: Target) -> Failure | None:
        """Return why the probe has no facts of a repository; None when it was silent about it or not asked."""
        error = self.plan.failure_of(target)
        return None if error is None else Failure.of(error, where=f"facts of {target.full_name}")

    def _over_rest(self, target: Target, failure: Failure | None, counts: Counter[str]) -> Opened:
        try:
            payload = self._payload(target)
        except AccessDenied as denied:
            told = self.plan.failure_of(target)
            raise (told if isinstance(told, AccessDenied) else denied) from denied
        except (SourceUnavailable, SourceTimeout, UnexpectedAnswer, *UNFORESEEN) as error:
            stored = stored_scope(target)
            if stored is None:
                raise
            failure = failure or Failure.of(error, where=f"facts of {target.full_name}")
            return Opened(scope=stored, facts=None, node_id=target.node_id, failure=failure)
        if target.known_id is not None and int(payload["id"]) != target.known_id:
            return self._successor(target, payload, counts)
        return _of_payload(payload, failure)

    def _payload(self, target: Target) -> RepositoryPayload:
        """Return the facts over REST: those of the known id or, when that is gone, those of the name.

        An answer that this run already has is used once.
        """
        answer = self.plan.answers.pop(target.key, None)
        if isinstance(answer, CollectorError):
            raise answer
        if answer is not None:
            return answer
        try:
            return fetch.repository(self.client, target.full_name, target.known_id)
        except NotFound as gone:
            if target.known_id is None or gone.reason not in GONE:
                raise
            return fetch.repository(self.client, target.full_name, None)

    def _successor(self, target: Target, payload: RepositoryPayload, counts: Counter[str]) -> Opened:
        """Mark the repository that is gone as deleted, and open the one that has its name now."""
        assert target.known_id is not None  # noqa: S101  (the caller compared it)
        documents = store.mark_repository_deleted(target.known_id, timezone.now())
        counts["repositories_deleted"] += 1
        note = (
            f"the repository that had the name {target.full_name} before is gone at GitHub: it is marked as deleted, "
            f"and {documents} documents leave the search index"
        )
        logger.warning("repository is gone, another has its name scope=%s id=%s", target.full_name, target.known_id)
        successor = Target(full_name=payload["full_name"], known_id=int(payload["id"]), named=False)
        facts = self.plan.facts_of(self.client, self.outage, successor)
        from_facts = _of_facts(facts) if facts is not None else self._failure(successor)
        opened = from_facts if isinstance(from_facts, Opened) else _of_payload(payload, from_facts)
        return Opened(
            scope=opened.scope, facts=opened.facts, node_id=opened.node_id, failure=opened.failure, notes=(note,)
        )

    def _follow_name(self, target: Target, scope: Scope) -> None:
        """When a repository was renamed, also collect the one that has the old name now; one request.

        Without an answer the next run finds it: by then the name belongs to nothing that is stored.
        """
        if scope.name.lower() == target.full_name.lower():
            return
        try:
            payload = fetch.repository(self.client, target.full_name, None)
        except ENDS_RUN:
            raise
        except ISOLATED as error:
            logger.info("nothing has the old name of a repository scope=%s name=%s: %s", scope.name, target, error)
            return
        if str(payload["id"]) != scope.external_id:
            self.plan.queue.append(Target(full_name=target.full_name, named=True))


def _of_facts(facts: Mapping[str, Any]) -> Opened | Failure:
    """Store a repository from what GraphQL said; a ``Failure`` when that cannot be done."""
    try:
        owner = next(iter(convert.actor_rows(facts.get("owner"))), None)
        scope = store.store_repository(convert.repository_row_of_facts(dict(facts)), owner)
    except UNFORESEEN as error:
        return Failure.of(error, where=f"facts of {facts['nameWithOwner']}")
    return Opened(scope=scope, facts=facts, node_id=str(facts["id"]))


def _of_payload(payload: RepositoryPayload, failure: Failure | None) -> Opened:
    owner = payload.get("owner")
    scope = store.store_repository(convert.repository_row(payload), convert.account_row(owner) if owner else None)
    return Opened(scope=scope, facts=None, node_id=str(payload.get("node_id") or ""), failure=failure)


def stored_scope(target: Target) -> Scope | None:
    """Return the scope of a target as far as it is known without asking GitHub."""
    if target.known_id is None:
        return None
    return Scope.objects.filter(source_system="github", external_id=str(target.known_id)).first()
