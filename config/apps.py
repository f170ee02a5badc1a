"""Registers the project's commands and signals, and gives third-party apps readable names in the admin."""

from axes.apps import AppConfig as AxesConfig
from django.apps import AppConfig
from django_otp.plugins.otp_totp.apps import DefaultConfig as TOTPConfig


class LogInLimits(AxesConfig):
    """django-axes, which limits failed log-ins, with a readable name."""

    verbose_name = "Failed log-ins"


class AuthenticatorApps(TOTPConfig):
    """django-otp, which checks the codes of authenticator apps, with a readable name."""

    verbose_name = "Authenticator apps"


class ProjectConfig(AppConfig):
    """The commands that use several trackers, and the log of failed log-ins."""

    name = "config"
    verbose_name = "activity-trackers"

    def ready(self) -> None:
        """Connect the functions that log failed and locked log-ins to their signals."""
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_login_failed

        from config.login_log import log_failure, log_lock

        user_login_failed.connect(log_failure, dispatch_uid="config.login.failure")
        user_locked_out.connect(log_lock, dispatch_uid="config.login.lock")
