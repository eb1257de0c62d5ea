"""The one settings file. What differs between a laptop and production is read from the environment, only here."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from marketplace.environment import faults, is_set

# Lets admin classes name their model in their type at run time, as they do for the type checker.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent


if _faults := faults(os.environ, BASE_DIR):
    raise ImproperlyConfigured("\n".join(("The settings cannot be used; deploy/env.example explains each:", *_faults)))


def _database(url: str) -> dict[str, object]:
    """Django's connection settings from ``postgresql://user:password@host:port/name``."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"connect_timeout": 10},
        "TEST": {"TEMPLATE": "template0"},
    }


#: True on one machine: simulated parts are allowed, mail goes to files, cookies travel over plain HTTP.
LOCAL_STACK = is_set(os.environ, "LOOKALIKE_LOCAL")
VAR_DIR = Path(os.environ.get("LOOKALIKE_VAR") or BASE_DIR / "var")

SECRET_KEY = os.environ["SECRET_KEY"]
# What private signing keys are sealed with; on one machine, without one of its own, the secret key.
KEYS_SECRET = os.environ.get("LOOKALIKE_KEYS_SECRET") or SECRET_KEY
DEBUG = False
PUBLIC_URL = os.environ["PUBLIC_URL"].rstrip("/")
ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname or ""] + (["localhost", "127.0.0.1"] if LOCAL_STACK else [])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

#: Parts that may be left out of a deployment, by application name, comma-separated.
_LEFT_OUT = set(filter(None, os.environ.get("LOOKALIKE_WITHOUT", "").split(",")))

INSTALLED_APPS = [
    app
    for app in [
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "django.contrib.postgres",
        "django.contrib.humanize",
        "allauth",
        "allauth.account",
        "allauth.mfa",
        "csp",
        "django_htmx",
        "pgtrigger",
        "marketplace.web",
        "marketplace.work",
        "marketplace.mail",
        "marketplace.keys",
        "marketplace.storage",
        "marketplace.accounts",
        "catalog",
        "generation.runs",
        "billing",
        "generation.orders",
        "marketplace.site",
        "marketplace.local",
    ]
    if app not in _LEFT_OUT
]

MIDDLEWARE = [
    "marketplace.web.problems.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Before the check of forms, which reads what was sent.
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "marketplace.web.problems.ProblemMiddleware",
]

CSRF_FAILURE_VIEW = "marketplace.web.problems.csrf_failure"
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
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
                "marketplace.web.context.site",
            ],
        },
    }
]

DATABASES = {"default": _database(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = os.environ["REDIS_URL"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# The object store. An empty endpoint is Amazon's own.
S3_ENDPOINT_URL = os.environ.get("S3_ENDPOINT_URL", "")
# Where people's programs reach the same store; signed links name this host.
S3_PUBLIC_ENDPOINT_URL = os.environ.get("S3_PUBLIC_ENDPOINT_URL") or S3_ENDPOINT_URL
S3_BUCKET = os.environ.get("S3_BUCKET", "lookalike")
S3_REGION = os.environ.get("AWS_REGION", "us-east-1")

# Accounts. Login is by e-mail; a user may add a second factor or a passkey.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Whoever holds an account hears of a new password, address or second factor.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_VERIFICATION = "optional" if LOCAL_STACK else "mandatory"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = urlsplit(PUBLIC_URL).scheme
# Limits by address count the visitor, not the proxies before the site, which write X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("TRUSTED_PROXIES", "0" if LOCAL_STACK else "1"))
ACCOUNT_ADAPTER = "marketplace.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "marketplace.accounts.forms.SignupForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Lookalike"
# One step before and after: clocks of phones are not exact (RFC 6238, section 5.2).
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOCAL_STACK
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

# How a worker sends mail. On one machine each message is a file.
if LOCAL_STACK:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(VAR_DIR / "mail")
else:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = os.environ["EMAIL_HOST"]
    EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "587"))
    EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
    EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
    EMAIL_USE_TLS = is_set(os.environ, "EMAIL_USE_TLS", default=True)
# A mail server that says nothing must not hold the worker that waits for it.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", f"Lookalike <no-reply@{urlsplit(PUBLIC_URL).hostname}>")

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT") or VAR_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # On one machine files are served where they lie; elsewhere `collectstatic` names them by their digest.
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL_STACK
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = LOCAL_STACK

# Strangers' files are not read at all, others' up to SOURCE_MAX_BYTES a request.
FILE_UPLOAD_HANDLERS = [
    "marketplace.web.uploads.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "marketplace.web.uploads.UnnamedFileHandler",
]
# A file beyond this lies on disk while it is read, never in memory, and without a name.
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
# The one place on a machine's disk where uploads, sources and state lie while they are worked on.
SCRATCH_DIR = Path(os.environ.get("LOOKALIKE_SCRATCH") or VAR_DIR / "scratch")
FILE_UPLOAD_TEMP_DIR = str(SCRATCH_DIR)

# Security
_HTTPS = urlsplit(PUBLIC_URL).scheme == "https"
# Where a form may lead: pages of Stripe, or of what stands for it. Browsers look at redirects too.
_STRIPE_PAGES = [os.environ.get("STRIPE_API_BASE") or "https://*.stripe.com"]
SECURE_SSL_REDIRECT = _HTTPS
# Who asks whether a process is well asks it directly, without the proxy that speaks TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _HTTPS
SECURE_HSTS_PRELOAD = _HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "img-src": ["'self'"],
        "style-src": ["'self'"],
        "font-src": ["'self'"],
        "script-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'", *_STRIPE_PAGES],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# Work. The broker carries hints; PostgreSQL holds the truth.
WORK_LEASE_SECONDS = int(os.environ.get("WORK_LEASE_SECONDS", "30"))
WORK_SWEEP_SECONDS = int(os.environ.get("WORK_SWEEP_SECONDS", "10"))
# A due piece is hinted again when nobody took it for this long.
WORK_HINT_SECONDS = int(os.environ.get("WORK_HINT_SECONDS", "20"))
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 6 * 3600}
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_BEAT_SCHEDULE = {"sweep": {"task": "work.sweep", "schedule": WORK_SWEEP_SECONDS, "options": {"expires": 60}}}

# Money. Stripe is the only processor; without an address of its own it is Stripe itself.
STRIPE_API_KEY = os.environ.get("STRIPE_API_KEY", "")
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "").rstrip("/")
#: Several while one is replaced by the next.
STRIPE_WEBHOOK_SECRETS = [secret for secret in os.environ.get("STRIPE_WEBHOOK_SECRET", "").split(",") if secret]
#: Has Stripe Tax been set up, so that pages of payment work out the tax within a price?
STRIPE_AUTOMATIC_TAX = is_set(os.environ, "STRIPE_AUTOMATIC_TAX", default=LOCAL_STACK)
#: Does something else stand for Stripe, or may its key move no real money? The pages say so.
STRIPE_SIMULATED = bool(STRIPE_API_BASE) or STRIPE_API_KEY.startswith(("sk_test_", "rk_test_"))
CURRENCY = "EUR"
# Who sells, as invoices print it. On one machine, without a name of its own, it is made up and marked as such.
INVOICE_ISSUER_DEMO = LOCAL_STACK and not os.environ.get("INVOICE_ISSUER_NAME")
INVOICE_ISSUER_NAME = os.environ.get("INVOICE_ISSUER_NAME") or "Lookalike Demonstration"
INVOICE_ISSUER_ADDRESS = os.environ.get("INVOICE_ISSUER_ADDRESS") or "1 Example Street | 1000 Exampletown"
INVOICE_ISSUER_COUNTRY = os.environ.get("INVOICE_ISSUER_COUNTRY") or "IE"
INVOICE_ISSUER_TAX_ID = os.environ.get("INVOICE_ISSUER_TAX_ID", "")
REFUND_DAYS = 14

# Limits on what strangers send
SOURCE_MAX_BYTES = int(os.environ.get("SOURCE_MAX_BYTES", str(1 << 30)))
SOURCE_KEPT_DAYS = 7
DOWNLOAD_LINK_SECONDS = 300

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    # Each request to Stripe would be two lines.
    "loggers": {"stripe": {"level": "WARNING"}},
}

# The most that one run may ask of a worker; a quote beyond it is refused with the reason.
RUN_MAX_MEMORY_MIB = int(os.environ.get("RUN_MAX_MEMORY_MIB", "8192"))
RUN_MAX_SCRATCH_MIB = int(os.environ.get("RUN_MAX_SCRATCH_MIB", "20480"))
RUN_MAX_SECONDS = int(os.environ.get("RUN_MAX_SECONDS", str(24 * 3600)))
