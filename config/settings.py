"""Django settings. This is the only module that reads the environment.

``.env.example`` explains every variable. Environment variables have priority over the file ``.env`` next to
``manage.py``.
"""

import errno
import os
import secrets
import tempfile
import warnings
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

from config.database_url import database_settings
from config.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")
# This must be set before numpy is imported. The threads of OpenBLAS wait for each other in busy loops. On a busy
# machine, a query with two threads takes a hundred times as long. For batches, the local model uses its own threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _text(name: str, default: str = "") -> str:
    """Return an environment variable without surrounding spaces, or ``default`` if it is missing or empty."""
    return os.environ.get(name, "").strip() or default


def _words(name: str, default: str = "") -> list[str]:
    """Return the entries of a comma-separated environment variable. Empty entries are left out."""
    return [word.strip() for word in _text(name, default).split(",") if word.strip()]


def _flag(name: str) -> bool:
    """Return an environment variable as a bool.

    Raises ImproperlyConfigured if it is not 0, 1, false, true, no, yes, off or on.
    """
    value = _text(name, "0").lower()
    if value not in {"0", "1", "false", "true", "no", "yes", "off", "on"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def _number(name: str, default: int) -> int:
    """Return an environment variable as a whole number of at least 0.

    Raises ImproperlyConfigured for other values.
    """
    value = _text(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number of at least 0, not {value!r}.")
    return int(value)


def _one_of(name: str, *choices: str) -> str:
    """Return an environment variable that must be one of ``choices``, or the first choice if it is missing or empty.

    Raises ImproperlyConfigured for other values.
    """
    value = _text(name, choices[0]).lower()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def _hours(name: str, default: str) -> dict[str, float]:
    """Parse an environment variable such as ``36`` or ``36,discord=6``, and return the hours by tracker.

    The key ``""`` has the hours of all other trackers. Raises ImproperlyConfigured for other formats, and unless the
    hours are more than 0 and less than 24 * 366 (about a year).
    """
    hours_by_name = {"": float(default)}
    for word in _words(name, default):
        key, _, value = word.rpartition("=")
        try:
            hours = float(value)
        except ValueError:
            hours = 0.0
        if not 0 < hours < 24 * 366:
            raise ImproperlyConfigured(
                f"{name} must be more than 0 hours and less than a year, such as 36 or 36,discord=6, not {word!r}."
            )
        hours_by_name[key.strip()] = hours
    return hours_by_name


def _secret_key() -> str:
    """Return the variable SECRET_KEY, or the key in the file VAR_DIR/secret_key if the variable is empty.

    The first start creates the file, so that sessions survive a restart. The file appears only with its whole content.
    A full disk can leave an empty file, which is replaced. Raises ImproperlyConfigured if VAR_DIR is not writable.
    """
    if key := _text("SECRET_KEY"):
        return key
    path = VAR_DIR / "secret_key"
    try:
        VAR_DIR.mkdir(parents=True, exist_ok=True)
        if path.exists() and (key := path.read_text().strip()):
            return key
        with tempfile.NamedTemporaryFile("w", dir=VAR_DIR, prefix=".secret_key-", suffix=".tmp") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
            if path.exists() and not path.read_text().strip():
                path.unlink(missing_ok=True)
            with suppress(FileExistsError):  # another process was faster, so use its key
                path.hardlink_to(file.name)
        return path.read_text().strip()
    except OSError as error:
        advice = "Free space there" if error.errno == errno.ENOSPC else "Set VAR_DIR to a writable folder"
        raise ImproperlyConfigured(f"VAR_DIR {VAR_DIR} cannot be written ({error.strerror}). {advice}.") from error


DEMO = _flag("DEMO")
"""Whether this process uses the sample community, which has its own database in VAR_DIR/demo."""
if DEMO:  # do not use the databases and services of real data, and accept requests only from this machine
    for _name in (
        "DATABASE_URL", "WORKSPACE_DIR", "STATIC_ROOT", "VECTOR_INDEX", "EMBEDDER", "EMBEDDING_MODEL", "GITHUB_REPOS",
        "GITHUB_TOKENS", "DISCORD_GUILDS", "DISCORD_BOT_TOKEN", "SLACK_BOT_TOKEN", "SLACK_CHANNEL", "METRICS_TOKEN",
        "HTTPS", "BEHIND_PROXY", "ALLOWED_HOSTS", "SECRET_KEY", "SECOND_FACTOR_REQUIRED",
    ):  # fmt: skip
        os.environ[_name] = ""
DEBUG = _flag("DEBUG")
VAR_DIR = Path(_text("VAR_DIR", str(BASE_DIR / "var"))).absolute() / ("demo" if DEMO else "")
WORKSPACE_DIR = Path(_text("WORKSPACE_DIR", str(VAR_DIR / "workspace"))).absolute()
SECRET_KEY = _secret_key()
ALLOWED_HOSTS = _words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

INSTALLED_APPS = [
    "core.apps.CoreConfig",  # before the admin, because core overrides some of its templates
    "core.apps.ActivityAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "github_activity_tracker.apps.GitHubTrackerConfig",
    "discord_activity_tracker.apps.DiscordTrackerConfig",
    "csp",
    "config.apps.LogInLimits",
    "django_otp",
    "config.apps.AuthenticatorApps",
    "config.apps.ProjectConfig",  # has the project's own commands
]
MIDDLEWARE = [
    "core.monitoring.pages.MonitoringPages",  # first, because health probes do not use the public host name or https
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.pages.parameters.CleanRequests",  # before all middleware that reads cookies or parameters
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",  # last, because it replaces the log-in page while a log-in is locked
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Pages load scripts, styles and images only from this site, and contain no inline scripts or styles. Therefore a script
# in a collected text cannot run, even if the sanitizer does not remove it.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# HTTPS=1 means that people open the pages over https. It is off by default, because secure cookies would prevent
# log-ins on http://127.0.0.1.
HTTPS = _flag("HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = int(_text("HSTS_SECONDS", "31536000")) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# A proxy that terminates https sets the header X-Forwarded-Proto. It must remove this header from incoming requests.
BEHIND_PROXY = _flag("BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
PROXY_COUNT = _number("PROXY_COUNT", 1) if BEHIND_PROXY else 0
"""Number of proxies that append to ``X-Forwarded-For``. The client's address is at this position, counted from the
end."""
CSRF_TRUSTED_ORIGINS = _words("CSRF_TRUSTED_ORIGINS")
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = ("__Host-session", "__Host-csrf") if HTTPS else ("sessionid", "csrftoken")
SESSION_COOKIE_AGE = 12 * 3600  # seconds: long enough for a working day
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

DATABASES = {"default": database_settings(_text("DATABASE_URL") or None, VAR_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Log-ins; see also config/login.py.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# Failures are counted by account and by client address. The counts are in the database, which all web processes share.
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # otherwise, a few attempts an hour lock an account for ever
AXES_DISABLE_ACCESS_LOG = True  # config.login_log logs failures and locks; successful log-ins are not recorded
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "config.login.client_address"
AXES_LOCKOUT_CALLABLE = "config.login.locked_response"
SECOND_FACTOR_REQUIRED = _flag("SECOND_FACTOR_REQUIRED")
"""Whether every account needs an authenticator app. Accounts that have an app always need a code from it."""
OTP_TOTP_ISSUER = "activity-trackers"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
FORMAT_MODULE_PATH = ["config.formats"]
STATIC_URL = "static/"
STATIC_ROOT = Path(_text("STATIC_ROOT", str(VAR_DIR / "static"))).absolute()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.StaticFiles"},
}
WHITENOISE_USE_FINDERS = True  # serves static files from the packages, so that collectstatic is optional
warnings.filterwarnings("ignore", "No directory at", UserWarning)  # STATIC_ROOT does not exist before collectstatic

LOG_FORMAT = _one_of("LOG_FORMAT", "text", "json")
LOGGINGS = {name: logging_settings(name, INSTALLED_APPS) for name in ("text", "json")}
LOGGING = LOGGINGS[LOG_FORMAT]

GITHUB_TOKENS = _words("GITHUB_TOKENS")
GITHUB_APP_ID = _text("GITHUB_APP_ID")
GITHUB_APP_PRIVATE_KEY_FILE = _text("GITHUB_APP_PRIVATE_KEY_FILE")
GITHUB_API_URL = _text("GITHUB_API_URL", "https://api.github.com").rstrip("/")
GITHUB_GIT_URL = _text("GITHUB_GIT_URL", "https://github.com").rstrip("/")
GITHUB_REPOS = _words("GITHUB_REPOS")

DISCORD_BOT_TOKEN = _text("DISCORD_BOT_TOKEN")
DISCORD_BOT_TOKENS = _words("DISCORD_BOT_TOKENS")
DISCORD_API_BASE = _text("DISCORD_API_BASE", "https://discord.com/api/v10").rstrip("/")
DISCORD_GUILDS = _words("DISCORD_GUILDS")
DISCORD_RESCAN_DAYS = _number("DISCORD_RESCAN_DAYS", 7)
DISCORD_REQUESTS_PER_SECOND = _number("DISCORD_REQUESTS_PER_SECOND", 45)

for _app in INSTALLED_APPS:  # a tracker from startcollector has one setting, such as FORUM_URL
    _slug, _is_tracker, _ = _app.partition("_activity_tracker.")
    if _is_tracker:
        globals()[f"{_slug.upper()}_URL"] = _text(f"{_slug.upper()}_URL").rstrip("/")

VECTOR_INDEX = _one_of("VECTOR_INDEX", "pgvector", "pinecone")
EMBEDDER = _one_of("EMBEDDER", "local", "pinecone", "openai")
PINECONE_API_KEY = _text("PINECONE_API_KEY")
PINECONE_INDEX = _text("PINECONE_INDEX", "activity-trackers")
PINECONE_HOST = _text("PINECONE_HOST")
PINECONE_NAMESPACE = _text("PINECONE_NAMESPACE")
PINECONE_REGION = _text("PINECONE_REGION", "aws/us-east-1")
EMBEDDING_API_URL = _text("EMBEDDING_API_URL", "https://api.openai.com/v1").rstrip("/")
EMBEDDING_API_KEY = _text("EMBEDDING_API_KEY")
EMBEDDING_MODEL = _text("EMBEDDING_MODEL")

SLACK_BOT_TOKEN = _text("SLACK_BOT_TOKEN")
SLACK_CHANNEL = _text("SLACK_CHANNEL")
SLACK_API_BASE = _text("SLACK_API_BASE", "https://slack.com/api/")

# Operation
MAX_RUN_SECONDS = _number("MAX_RUN_SECONDS", 0)
"""Default of the option ``--max-seconds`` of collecting commands, in seconds. 0 means no limit."""
ADMIN_URL = _text("ADMIN_URL").rstrip("/")
FRESHNESS_LIMITS = _hours("FRESHNESS_HOURS", "36")
"""Maximum hours since the last complete run, by tracker. After that, a repository or channel is stale."""
FRESHNESS_HOURS = FRESHNESS_LIMITS[""]
METRICS_TOKEN = _text("METRICS_TOKEN")
