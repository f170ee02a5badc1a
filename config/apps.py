"""Registers the project's commands and signal receivers. Also gives third-party apps readable names in the admin."""

from axes.apps import AppConfig as AxesConfig
from django.apps import AppConfig
from django_otp.plugins.otp_totp.apps import DefaultConfig as TOTPConfig


class LogInLimits(AxesConfig):
    """The app django-axes with a readable name. It locks log-ins after too many failures."""

    verbose_name = "Failed log-ins"


class AuthenticatorApps(TOTPConfig):
    """The app django-otp with a readable name. It checks the codes of authenticator apps."""

    verbose_name = "Authenticator apps"


class ProjectConfig(AppConfig):
    """The app with the commands that use several trackers, and with the log of failed log-ins."""

    name = "config"
    verbose_name = "activity-trackers"

    def ready(self) -> None:
        """Connect the log functions to the signals for failed and locked log-ins."""
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_login_failed

        from config.login_log import log_failure, log_lock

        user_login_failed.connect(log_failure, dispatch_uid="config.login.failure")
        user_locked_out.connect(log_lock, dispatch_uid="config.login.lock")
