"""What happens when a run ends: alerts are brought up to date and told, within a bound of time."""

from typing import Any

SECONDS = 10.0


def after_run(**kwargs: Any) -> None:
    """A receiver of ``core.runs.run_finished``; the signal catches what it raises."""
    del kwargs
    # Here, so that commands which run nothing start without Slack's library.
    from core.monitoring.alerts import refresh
    from core.monitoring.notices import wanted

    refresh()
    if wanted():
        from core.monitoring.delivery import deliver
        from core.operations.slack_ops import open_slack

        deliver(open_slack(timeout=SECONDS / 2, patience=SECONDS / 2), seconds=SECONDS)
