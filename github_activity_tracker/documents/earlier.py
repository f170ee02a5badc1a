"""The earlier texts of edited issues, pull requests and comments."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import Q

from core.trackers import EarlierText
from github_activity_tracker.documents.names import at, known_names, places
from github_activity_tracker.models import Issue, Revision

NUMBERED = {"issue": False, "pull_request": True}


def revisions(external_ids: Sequence[str]) -> Mapping[str, Sequence[EarlierText]]:
    """Return earlier texts by external id, latest first. Uses at most three SQL statements.

    Includes issues, pull requests, their comments, and comments on diffs and commits.
    """
    names, wanted = known_names(external_ids), dict[tuple[str, int], str]()
    for kind, is_pull in NUMBERED.items():
        if names[kind]:
            numbered = Issue.objects.filter(at(places(names[kind])), is_pull_request=is_pull)
            for pk, repository_id, number in numbered.values_list("pk", "repository_id", "number"):
                wanted["issue", pk] = f"github:{kind}:{repository_id}:{number}"
    for kind in ("issue_comment", "review_comment", "commit_comment"):
        wanted.update({(kind, int(pk)): f"github:{kind}:{pk}" for pk, _ in names[kind]})
    found = defaultdict[str, list[EarlierText]](list)
    if not wanted:
        return found
    asked = Q()
    for kind in {kind for kind, _ in wanted}:
        asked |= Q(kind=kind, object_id__in=[pk for of, pk in wanted if of == kind])
    for revision in Revision.objects.filter(asked).order_by("-replaced_at", "-written_at"):
        text = revision.body or ""
        if revision.title:
            text = f"**{revision.title}**\n\n{text}"
        found[wanted[revision.kind, revision.object_id]].append(
            EarlierText(text=text, written_at=revision.written_at, replaced_at=revision.replaced_at)
        )
    return found
