"""The app config that registers the project's commands and log-in signals."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Commands that use several trackers, and the log of failed log-ins."""

    name = "config"
    verbose_name = "activity-trackers"

    def ready(self) -> None:
        """Connect the signals of failed and locked log-ins to the log."""
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_login_failed

        from config.login_log import log_failure, log_lock

        user_login_failed.connect(log_failure, dispatch_uid="config.login.failure")
        user_locked_out.connect(log_lock, dispatch_uid="config.login.lock")
