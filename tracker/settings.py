"""Settings: one file, read from the environment. docs/settings.md describes each variable."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF, UNSAFE_INLINE

from tracker import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.data_dir(BASE_DIR)
SECRET_KEY = env.secret_key(DATA_DIR)
DEBUG = env.boolean("DEBUG")

# The address that jobs and browsers use: TRACKER_API, ALLOWED_HOSTS and CSRF origins follow it.
PUBLIC_URL = os.environ.get("QUEUECAST_PUBLIC_URL", "").rstrip("/")
BIND_HOST = os.environ.get("QUEUECAST_BIND_HOST", "127.0.0.1")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *env.words("ALLOWED_HOSTS")]
if _public.hostname:
    ALLOWED_HOSTS.append(_public.hostname)
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if _public.netloc else []
APPEND_SLASH = False

INSTALLED_APPS = [
    "tracker.apps.TrackerConfig",
    "planner",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tracker.middleware.private_answers",
    "tracker.middleware.content_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tracker.middleware.no_nul_in_paths",
]

ROOT_URLCONF = "tracker.urls"
WSGI_APPLICATION = "tracker.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tracker.views.base.site",
                "tracker.views.notices.badge",
            ],
        },
    }
]

# --- database: SQLite under the data folder, or DATABASE_URL
SQLITE_OPTIONS = {
    # Measured with four writers: Django's defaults refuse one write in thirteen, these none.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}
DATABASE_URL = os.environ.get("DATABASE_URL", "")
if DATABASE_URL:
    DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=600)}
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    if DATABASES["default"]["ENGINE"].endswith("postgresql"):
        # Only what tracker.statements asks is prepared: Django's own cursors never are.
        DATABASES["default"].setdefault("OPTIONS", {}).setdefault("prepare_threshold", 0)
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "queuecast.sqlite3",
            "OPTIONS": SQLITE_OPTIONS,
            "CONN_MAX_AGE": None,  # without it single writes are ten times slower
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    # Rates of programs are counted here: writing a count elsewhere costs more than a metric does.
    "process": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
    # Passwords tried are counted across processes: files, or Redis.
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["BROKER_URL"],
        }
        if os.environ.get("BROKER_URL", "").startswith(("redis://", "rediss://"))
        else {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": DATA_DIR / "cache",
        }
    ),
}

# --- sign-in and cookies
LOGIN_URL = "signin"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "signin"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
# Two services on one host (a demo beside the real one) must not sign each other out.
SESSION_COOKIE_NAME = f"queuecast_session_{_public.port or env.number('QUEUECAST_PORT', 8000)}"
CSRF_COOKIE_NAME = f"queuecast_csrf_{_public.port or env.number('QUEUECAST_PORT', 8000)}"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _public.scheme == "https"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.boolean("TRUST_FORWARDED_PROTO") else None
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        # The one exception: plotly.js places style elements and attributes while drawing.
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:", "blob:"],  # plotly's own "save as picture"
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- time and language
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
DATETIME_FORMAT = "Y-m-d H:i"  # of the admin; our pages use the reader's own zone

# --- static files: ours, and plotly's packaged file (found without importing plotly)
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
_plotly = Path(importlib.util.find_spec("plotly").origin).parent  # type: ignore[union-attr, arg-type]
STATICFILES_DIRS = [
    BASE_DIR / "tracker" / "static_site",
    ("plotly", _plotly / "package_data"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tracker.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "tracker.api.pagination.NewestFirst",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tracker.api.parsing.StrictJSONParser"],
    "EXCEPTION_HANDLER": "tracker.api.problems.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": ["tracker.api.throttling.ScopeThrottle"],
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Queuecast",
    "VERSION": "1",
    "DESCRIPTION": "Experiments, runs, metrics, and start-time forecasts for a Slurm cluster.",
    "SERVE_INCLUDE_SCHEMA": False,
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # one request body; larger ones are answered with 413
METRIC_POINTS_MAX = 1_000  # points in one request
# --- ways to clusters: OpenSSH's own configuration, and a token a user below CLUSTER/USER
SSH_CONFIG = os.environ.get("QUEUECAST_SSH_CONFIG", "")
JWT_DIR = os.environ.get("QUEUECAST_JWT_DIR") or str(DATA_DIR / "jwt")
WEBHOOK_TRUSTED_NETS = env.networks("WEBHOOK_TRUSTED_NETS")

# --- e-mail: of notices, where a server is named
_mail = env.mail_server("EMAIL_URL")
EMAIL_HOST = _mail.host
EMAIL_PORT = _mail.port
EMAIL_HOST_USER = _mail.user
EMAIL_HOST_PASSWORD = _mail.password
EMAIL_USE_TLS = _mail.starts_tls
EMAIL_USE_SSL = _mail.is_tls
EMAIL_TIMEOUT = 10  # s: a server that hangs holds one of four threads of the poll worker
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM") or f"queuecast@{_public.hostname or 'localhost'}"

# --- Celery: the database is the truth, the broker a doorbell
BROKER_URL = os.environ.get("BROKER_URL", "")
CELERY_BROKER_URL = BROKER_URL or "filesystem://localhost/"
if not BROKER_URL:
    _broker = DATA_DIR / "broker"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "messages"),
        "data_folder_out": str(_broker / "messages"),
        "control_folder": str(_broker / "control"),
        "store_processed": False,
        "polling_interval": 0.25,  # s: an epilog's word is acted upon within three
    }
elif BROKER_URL.startswith(("redis://", "rediss://")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}  # above the longest task
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "poll"
# Somebody waits for what stands in queue "ask": it is not put behind minutes of computing.
CELERY_TASK_ROUTES = {
    **{
        f"planner.tasks.{name}": {"queue": "ask"}
        for name in ("answer_question", "prepare_answers", "look_after", "look_first")
    },
    "planner.tasks.*": {"queue": "compute"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Two workers that start at once trip over the one file of the remote control's exchange.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TIMEZONE = "UTC"


def _every(seconds: int, task: str) -> dict[str, object]:
    """A beat entry expires after its own interval: late doorbells are dropped, not piled up."""
    return {"task": task, "schedule": float(seconds), "options": {"expires": seconds}}


CELERY_BEAT_SCHEDULE = {
    "queue": _every(env.number("POLL_QUEUE_S", 30), "tracker.tasks.poll_queue"),
    "nodes": _every(env.number("POLL_NODES_S", 60), "tracker.tasks.poll_nodes"),
    "accounting": _every(env.number("POLL_ACCOUNTING_S", 180), "tracker.tasks.poll_accounting"),
    "configuration": _every(
        env.number("POLL_CONFIGURATION_S", 600), "tracker.tasks.poll_configuration"
    ),
    "hints": _every(15, "tracker.tasks.check_hinted_jobs"),
    "submissions": _every(15, "tracker.tasks.look_after_submissions"),
    "event-files": _every(60, "tracker.tasks.read_event_files"),
    "notices": _every(30, "tracker.tasks.mail_notices"),
    "seal": _every(60, "tracker.tasks.seal_points"),
    "prune": _every(3600, "tracker.tasks.prune"),
    "forecast": _every(env.number("FORECAST_S", 10), "planner.tasks.request_forecasts"),
    "score": _every(60, "planner.tasks.score_estimates"),
}
POLL_KEEP_DAYS = env.number("POLL_KEEP_DAYS", 14)
ESTIMATE_KEEP_DAYS = env.number("ESTIMATE_KEEP_DAYS", 100)
DELETED_RUN_KEEP_DAYS = env.number("DELETED_RUN_KEEP_DAYS", 30)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
}
