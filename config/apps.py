"""Registers the project's own commands and signals with Django."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """Commands that need every tracker, and the log of log-ins."""

    name = "config"
    verbose_name = "activity-trackers"

    def ready(self) -> None:
        """Log failed and locked log-ins."""
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_login_failed

        from config.login_log import log_failure, log_lock

        user_login_failed.connect(log_failure, dispatch_uid="config.login.failure")
        user_locked_out.connect(log_lock, dispatch_uid="config.login.lock")
