"""Django's settings, made from the environment. What differs between machines is in `environment.py`, nowhere else."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url

from ironforge_site import environment, handler_packages, secret_key
from ironforge_site.arguments import process_role
from ironforge_site.language import languages_of
from ironforge_site.setting_types import PROJECT_ROOT
from ironforge_site.shown_settings import *  # noqa: F403
from ironforge_site.shown_settings import IRONFORGE_COLOUR
from jobs.telemetry import logs

_env = environment.read()
_role = process_role(sys.argv)

try:
    _env.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as _refused:
    raise environment.BadSetting(f"IRONFORGE_DATA_DIR: cannot make {_env.data_dir}: {_refused.strerror}") from None
handler_packages.require(_env.handlers)
if _env.tracing:
    handler_packages.require_tracing()

BASE_DIR = PROJECT_ROOT
DEBUG = _env.debug
try:
    SECRET_KEY = _env.secret_key or secret_key.load_or_create(_env.data_dir)
except OSError as _refused:
    raise environment.BadSetting(
        f"IRONFORGE_DATA_DIR: cannot keep a secret key in {_env.data_dir}: {_refused.strerror}"
    ) from None
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *_env.allowed_hosts]
CSRF_TRUSTED_ORIGINS = list(_env.trusted_origins)

# A worker needs no page, no API and, unless handlers may ask for them, no users: each application costs memory.
_USER_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
_WORKER_APPS = ["workers", *_env.handlers]
if _role == "worker" and (_env.worker_auth == "on" or handler_packages.may_use_users(_env)):
    _WORKER_APPS = [*_USER_APPS, *_WORKER_APPS]
_SERVER_APPS = [
    *_USER_APPS,
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_prometheus",
    "jobs",
    "jobs.access",
    "jobs.api",
    "jobs.dashboard",
    "jobs.live",
    "workers",
    *_env.handlers,
]
# Named only where they are wanted: a worker loads the framework when its backend is ours.
TASKS = {"default": {"BACKEND": "jobs.integrations.tasks.IronForgeBackend", "QUEUES": []}} if _env.tasks else {}

INSTALLED_APPS = _WORKER_APPS if _role == "worker" else _SERVER_APPS

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "ironforge_site.request_id.RequestIdMiddleware",
    "ironforge_site.security_headers.SecurityHeadersMiddleware",
    "ironforge_site.security_headers.HostMiddleware",
    "ironforge_site.plain_input.PlainInputMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "ironforge_site.compressed_pages.CompressedPagesMiddleware",
    "ironforge_site.static_files.StaticFilesMiddleware",
    "ironforge_site.language.LanguageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "ironforge_site.urls"
ASGI_APPLICATION = "ironforge_site.asgi.application"
APPEND_SLASH = False

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
            ],
        },
    },
]

# Requests are answered in many threads, each with a connection of its own: kept ones would pile up.
try:
    _database = dj_database_url.parse(
        _env.database_url or f"sqlite:///{_env.data_dir / 'ironforge.sqlite3'}", conn_max_age=0
    )
except ValueError as _wrong:
    raise environment.BadSetting(f"DATABASE_URL: {_wrong}") from None
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # A writer takes its lock when its transaction begins: two of them wait for each other, neither fails half-way.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA busy_timeout=5000;",
    }
    _database["TEST"] = {"NAME": str(_env.data_dir / "test.sqlite3")}
else:
    _database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 2)
DATABASES: dict[str, Any] = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Django puts it before every address that it makes.
FORCE_SCRIPT_NAME = _env.base_path or None
LOGIN_URL = f"{_env.base_path}/console/login"
LOGIN_REDIRECT_URL = f"{_env.base_path}/console/"
LOGOUT_REDIRECT_URL = LOGIN_URL

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "ironforge_session"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = _env.base_path or "/"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _env.behind_tls
CSRF_COOKIE_NAME = "ironforge_csrf"
# Pages carry the token in their forms; no script reads the cookie.
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = _env.behind_tls
CSRF_FAILURE_VIEW = "ironforge_site.error_pages.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _env.behind_tls else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _env.behind_tls else None

# A bulk body is 16 MiB at most; `body_limit` refuses more before Django sees it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 17 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

STATIC_URL = f"{_env.base_path}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
# Hashed and compressed names exist once `collectstatic` was run; without it files are served as they lie.
_has_hashed_names = _role == "static" or (STATIC_ROOT / "staticfiles.json").exists()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _has_hashed_names
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

LANGUAGE_CODE = "en"
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGES = languages_of(BASE_DIR / "locale")
USE_TZ = True
TIME_ZONE = "UTC"

_mail = urlsplit(_env.email_url)
EMAIL_BACKEND = (
    "django.core.mail.backends.filebased.EmailBackend"
    if _env.demo and not _env.email_url
    else "django.core.mail.backends.smtp.EmailBackend"
)
EMAIL_FILE_PATH = _env.data_dir / "mail"
EMAIL_HOST = _mail.hostname or "localhost"
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_PORT = _mail.port or (465 if EMAIL_USE_SSL else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
# A password goes over no open line.
EMAIL_USE_TLS = bool(EMAIL_HOST_USER) and not EMAIL_USE_SSL
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = _env.email_from

# Groups stay inside one server process: each tails the event stream for its own browsers.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

LOGGING = logs.configuration(_env.log_level, _env.log_format, colour=IRONFORGE_COLOUR)
