"""Django settings of Qidai. Everything that differs between machines comes from the environment.

See README.md for the names. Without DATABASE_URL and REDIS_URL a private PostgreSQL and Valkey are
started under var/ (config/embedded); with both set that code is never imported.
"""

from __future__ import annotations

import os
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = env.environment()
PRODUCTION = ENVIRONMENT == "production"
TESTING = ENVIRONMENT == "test"
VAR_DIR = env.var_folder(BASE_DIR)
DEBUG = env.flag("QIDAI_DEBUG", default=False)
VERSION = "0.1.0"

SECRET_KEY = env.secret("QIDAI_SECRET_KEY", folder=VAR_DIR / "secrets", required=PRODUCTION)
FIELD_KEY = env.secret("QIDAI_FIELD_KEY", folder=VAR_DIR / "secrets", required=PRODUCTION)
ALLOWED_HOSTS = env.items(
    "QIDAI_ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = env.items("QIDAI_TRUSTED_ORIGINS", default=[])


def _servers() -> dict[str, str]:
    """URLs of database and broker: the environment's, or those of the embedded servers."""
    database, redis = env.text("DATABASE_URL"), env.text("REDIS_URL")
    if database and redis:
        return {
            "DATABASE_URL": database,
            "DATABASE_OWNER_URL": env.text("DATABASE_OWNER_URL") or database,
            "REDIS_URL": redis,
        }
    if PRODUCTION or database or redis:
        raise env.BadEnvironment(
            "Set DATABASE_URL and REDIS_URL, both; only a laptop without either uses the embedded servers."
        )
    from config.embedded import EmbeddedError, ensure

    try:
        return dict(ensure(VAR_DIR / "embedded"))
    except EmbeddedError as error:
        raise env.BadEnvironment(f"Qidai: {error}") from None


def _own_broker(url: str) -> str:
    """Parallel test processes share one server and must not hear each other's tasks: a database for each."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return f"{url.rsplit('/', 1)[0]}/{1 + int(worker[2:]) % 15}" if TESTING and worker else url


_urls = _servers()
REDIS_URL = _own_broker(_urls["REDIS_URL"])

# The application's role may write no ledger row. `core.ownership.as_owner` swaps in the owner for migrations.
DATABASES = {
    "default": dj_database_url.parse(_urls["DATABASE_URL"], conn_max_age=60, conn_health_checks=True)
}
DATABASE_OWNER = dj_database_url.parse(_urls["DATABASE_OWNER_URL"])
DATABASES["default"]["ATOMIC_REQUESTS"] = False

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "transplants",
    "matching",
    "hospitals",
    "bank",
    "core",  # before Django's own: overrides `migrate`
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.middleware.LanguageMiddleware",
    "core.middleware.LoginRequiredMiddleware",
    "core.middleware.PrivateAnswersMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
                "core.context.page",
                "hospitals.context.page",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "core.templatetags.qidai"],
        },
    }
]

# --- people -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "core.accounts.AccountAdapter"  # nobody signs up by himself
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "config:home"
# Behind a proxy the failed sign-ins are counted per person's address, not per proxy.
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("QIDAI_PROXY_COUNT", default=1 if PRODUCTION else 0)
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# --- transport and content security --------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "config.views_errors.csrf_failure"
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.flag("QIDAI_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}

# --- language and time ----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = USE_TZ = True
TIME_ZONE = env.text("QIDAI_TIME_ZONE", "Asia/Shanghai")
FORMAT_MODULE_PATH = ["config.formats"]

# --- files ----------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.text("QIDAI_STATIC_ROOT") or BASE_DIR / "staticfiles"
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
MEDIA_ROOT = VAR_DIR / "files"
DATA_UPLOAD_MAX_MEMORY_SIZE = 60 * 1024 * 1024
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- broker, cache ----------------------------------------------------------------------------------
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "qidai",
    }
}
# E-mails about notifications. They are collected and sent by a worker (core.mails); on a laptop into its log.
_mail = env.email("QIDAI_EMAIL_URL", default="none:" if PRODUCTION else "console:")
EMAIL_BACKEND = f"django.core.mail.backends.{_mail.backend}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.start_tls, _mail.tls
DEFAULT_FROM_EMAIL = env.text("QIDAI_FROM_EMAIL", "qidai@localhost")
EMAIL_TIMEOUT = 20  # seconds for each answer of the mail server
# Where people reach this installation, for the links of e-mails; without it they have none.
_host = next((name for name in ALLOWED_HOSTS if name[0] not in ".*"), "")  # not one that stands for several
PUBLIC_URL = env.web_address("QIDAI_PUBLIC_URL", default=f"https://{_host}" if PRODUCTION and _host else "")
# Hour of the day, by QIDAI_TIME_ZONE, at which what was collected since a person's last e-mail goes out.
MAIL_HOUR = env.number("QIDAI_MAIL_HOUR", default=7, most=23)

# Web-hooks go to public addresses by https. A gateway inside the bank's own network needs this set.
WEBHOOK_PRIVATE = env.flag("QIDAI_WEBHOOK_PRIVATE", default=False)
WEBHOOK_LOOPBACK = not PRODUCTION  # a developer's own receiver, also by http

if TESTING:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed; never outside tests

# A running job that gave no sign of life for so long belongs to a dead worker.
JOB_LEASE_SECONDS = env.number("QIDAI_JOB_LEASE_SECONDS", least=1, default=30)
JOB_RING_AGAIN_SECONDS = env.number("QIDAI_JOB_RING_AGAIN_SECONDS", least=1, default=20)
JOB_SWEEP_SECONDS = env.number("QIDAI_JOB_SWEEP_SECONDS", least=1, default=10)
# A job that takes longer than this is stopped with a reason; one that cannot be stopped so, a fifth later by force.
SEARCH_LIMIT_SECONDS = env.number("QIDAI_SEARCH_LIMIT_SECONDS", least=1, default=300)
JOB_LIMIT_SECONDS = env.number("QIDAI_JOB_LIMIT_SECONDS", least=1, default=3600)
# A worker process that ever held more than this is replaced after its task. Pages of the mapped snapshot count.
WORKER_MEMORY_MB = env.number("QIDAI_WORKER_MEMORY_MB", least=1, default=2000)
# Hour of the day, by QIDAI_TIME_ZONE, at which all waiting patients are searched again.
NIGHT_HOUR = env.number("QIDAI_NIGHT_HOUR", default=2, most=23)

# --- API --------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.DenyAll"],  # fails closed: each view names its permission
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.CarefulJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "core.api.Pagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "core.api.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Qidai",
    "DESCRIPTION": "API of a public cord blood bank: patients, units, match requests.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["core.api.IsSignedIn"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "PatientSexEnum": "hospitals.choices.Sex",
        "PatientStateEnum": "hospitals.choices.PatientState",
        "UnitSexEnum": "bank.choices.Sex",
        "DonorTypeEnum": "bank.choices.DonorType",
        "UnitSourceEnum": "bank.choices.Source",
        "PatientUrgencyEnum": "hospitals.choices.Urgency",
        "RequestUrgencyEnum": "matching.choices.Urgency",
        "BasisEnum": "matching.choices.Basis",
        "ReplayVerdictEnum": "matching.choices.Verdict",
        "FeeKindEnum": "transplants.choices_incidents.FeeKind",
        "EnquiryKindEnum": "transplants.choices_enquiries.EnquiryKind",
        "ReservationStateEnum": "transplants.choices.ReservationState",
        "IncidentKindEnum": "transplants.choices_incidents.IncidentKind",
        "IncidentStateEnum": "transplants.choices_incidents.IncidentState",
        "EnquiryStateEnum": "transplants.choices_enquiries.EnquiryState",
        "OrderStateEnum": "transplants.choices_orders.OrderState",
        "FailureCauseEnum": "transplants.choices_orders.FailureCause",
        "ConfirmatoryTypingStateEnum": "transplants.choices_orders.TypingState",
        "MethodEnum": "hospitals.choices.AntibodyMethod",
        "TypingMethodEnum": "transplants.choices_typings.TypingMethod",
        "SideEnum": "transplants.choices_enquiries.Side",
        "DeclineReasonEnum": "transplants.choices_enquiries.DeclineReason",
        "ShipmentEventKindEnum": "transplants.choices_orders.EventKind",
        "AnswerEnum": "transplants.choices_orders.Answer",
        "PaperKindEnum": "transplants.choices_papers.PaperKind",
        "YesNoEnum": "transplants.choices_outcomes.YesNo",
        "FindingEnum": "transplants.findings.YES_OR_NO",
        "RecoveryEnum": "transplants.choices_outcomes.Recovery",
        "DeathCauseEnum": "transplants.choices_outcomes.Cause",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"qidai": {"level": "INFO"}},
}
