"""Decides from a repository's facts which of its streams have to be read.

The fingerprint of a stream consists of the facts that change when the stream changes. A stream is not read if its
fingerprint is the same as after its last complete read. A fingerprint is saved only if the newest change is older
than ``SETTLED``. Otherwise another change in the same second would not alter the fingerprint. A run over many unchanged
repositories needs only a few requests.

Some edits change no fingerprint, such as edits of review comments and of labels. Their streams are read again when
``StreamSpec.read_every`` has passed. Each run also reads the review comments of up to ``SAMPLED`` unchanged
repositories, namely those in which they were read least recently.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.models import Checkpoint
from github_activity_tracker.collector.streams import STREAMS
from github_activity_tracker.protocol_impl import GitHubState
from github_activity_tracker.store.pages import COLLECTOR

FINGERPRINTS = "quiet"
"""Stream name of the checkpoint with the fingerprints of a repository's streams. Databases contain this name."""
SETTLED = timedelta(seconds=60)
"""Minimum age of the newest change before a fingerprint is saved.

GitHub's lists may lag behind its writes by a few seconds, so one minute is a safe margin.
"""
SAMPLED = 2
"""Maximum number of unchanged repositories for which a run reads review comments.

A larger number finds edits earlier, but costs more requests per run.
"""
Facts = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The last complete read of a stream: its fingerprint, and the time (UTC) of the facts behind the fingerprint.

    The fingerprint is None if the newest change was too recent. None never equals a computed fingerprint, so the stream
    is read again.
    """

    fingerprint: Any
    read_at: datetime


def fingerprint(stream: str, facts: Facts) -> list[Any]:
    """Return the parts of the facts that change when the stream changes."""
    return [facts.get(part) for part in STREAMS[stream].facts]


def load_readings(repository_ids: Collection[int]) -> dict[int, dict[str, Reading]]:
    """Return the last complete read of each stream, by repository id and stream. Sends one query."""
    states = Checkpoint.objects.filter(
        collector=COLLECTOR, stream=FINGERPRINTS, scope__in=[str(pk) for pk in repository_ids]
    )
    return {
        int(scope): {
            stream: Reading(fingerprint=saved["sign"], read_at=datetime.fromisoformat(saved["read_at"]))
            for stream, saved in extras.items()
        }
        for scope, extras in states.values_list("scope", "extras")
    }


def changed_streams(
    streams: Iterable[str], facts: Facts, readings: Mapping[str, Reading], now: datetime
) -> list[str]:  # fmt: skip
    """Return the streams that have to be read."""
    return [
        stream
        for stream in streams
        if stream not in readings
        or _is_unknown(stream, facts)
        or readings[stream].fingerprint != fingerprint(stream, facts)
        or now - readings[stream].read_at > STREAMS[stream].read_every
    ]


def _is_unknown(stream: str, facts: Facts) -> bool:
    """Return whether the facts lack a part of the fingerprint. Some servers do not have every field."""
    return any(part not in facts for part in STREAMS[stream].facts)


def stalest_first(streams: Sequence[str], readings: Mapping[str, Reading]) -> list[str]:
    """Return the streams, the least recently read first. Streams that were never read completely come before the rest.

    A run with a small budget therefore continues with the streams that earlier runs did not reach.
    """
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(streams, key=lambda stream: readings[stream].read_at if stream in readings else never)


def sample_unchanged(unchanged: Mapping[tuple[str, str], Mapping[str, Reading]]) -> set[tuple[str, str]]:
    """Return the keys of the unchanged repositories for which this run reads review comments, at most ``SAMPLED``."""
    by_age = sorted(
        (readings["review_comments"].read_at, key)
        for key, readings in unchanged.items()
        if "review_comments" in readings
    )
    return {key for _, key in by_age[:SAMPLED]}


def readings_to_save(
    complete: Sequence[str], facts: Facts, readings: Mapping[str, Reading], at: datetime
) -> GitHubState:  # fmt: skip
    """Return a state with ``readings``, updated for the ``complete`` streams. ``at`` is the time of the facts."""
    saved = {stream: reading for stream, reading in readings.items() if stream not in complete}
    saved |= {
        stream: Reading(fingerprint=fingerprint(stream, facts) if _is_settled(stream, facts, at) else None, read_at=at)
        for stream in complete
    }
    return GitHubState(
        extras={
            stream: {"sign": reading.fingerprint, "read_at": reading.read_at.isoformat()}
            for stream, reading in saved.items()
        }
    )


def _is_settled(stream: str, facts: Facts, at: datetime) -> bool:
    """Return whether all changes in the facts of a stream are older than ``SETTLED``. The facts are from ``at``."""
    times = [str(facts["pushedAt"])] if stream == "commits" and facts.get("pushedAt") else []
    for part in fingerprint(stream, facts):
        nodes: Any = part.get("nodes") if isinstance(part, dict) else None
        times += [str(node["updatedAt"]) for node in nodes or () if node and node.get("updatedAt")]
    return all(datetime.fromisoformat(time) < at - SETTLED for time in times)
