"""Which scopes of an alert are still collected."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from core.models import CollectorRun, Scope
from core.trackers import installed_trackers


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What one tracker collects; all names are in lower case.

    ``watched`` and ``known`` are names of scopes with every leading part: ``guild/channel`` is also under ``guild``.
    """

    watched: Collection[str]
    known: Collection[str]
    configured: Collection[str]
    last_run: int
    reported: Collection[str]
    """Scopes that the newest complete report of a run names; ``last_run`` is that run."""

    def has_dropped(self, scope: str, run: int | None) -> bool:
        """Return whether the tracker no longer collects a scope that ``run`` reported last.

        A scope that is known is dropped when it is disabled. One that was never stored, such as a misspelt name in the
        settings, is dropped when a later run does not name it.
        """
        if scope in self.watched or scope in self.configured:
            return False
        return scope in self.known or (scope not in self.reported and self.last_run > (run or 0))


def coverage_of(systems: Collection[str], watched: Collection[tuple[str, str, str]]) -> Mapping[str, Coverage]:
    """Return the coverage of these trackers by source system; what is no installed tracker is left out.

    ``watched`` are the keys of scopes that should be fresh, as ``core.monitoring.alerts`` has them.
    """
    coverage: dict[str, Coverage] = {}
    for tracker in installed_trackers():
        system = tracker.source_system
        if system not in systems:
            continue
        names = Scope.objects.filter(source_system=system).values_list("name", flat=True)
        ended = CollectorRun.objects.filter(collector=system).exclude(scopes=[])
        last = ended.exclude(outcome__in=["running", "busy", "interrupted"]).order_by("-pk").first()
        coverage[system] = Coverage(
            watched=_with_leading_parts(key[2] for key in watched if key[1] == system),
            known=_with_leading_parts(name.lower() for name in names.iterator(chunk_size=5000)),
            configured={name.lower() for name in tracker.configured_names()},
            last_run=last.pk if last else 0,
            reported={str(report.get("scope", "")).lower() for report in last.scopes} if last else set[str](),
        )
    return coverage


def _with_leading_parts(names: Iterable[str]) -> set[str]:
    parts: set[str] = set()
    for name in names:
        parts.add(name)
        parts.add(name.rpartition("/")[0])
    return parts - {""}
