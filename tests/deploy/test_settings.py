"""Outside the one-machine stack nothing starts with a secret that is missing or known, and what starts is safe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from marketplace.environment import faults
from tests.deploy import production
from tests.deploy.production import HOST, ROOT

pytestmark = pytest.mark.xdist_group("deploy")


def test_good_settings_have_no_fault(tmp_path: Path) -> None:
    assert faults(production.settings(tmp_path), ROOT) == []


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "LOOKALIKE_KEYS_SECRET",
        "PUBLIC_URL",
        "DATABASE_URL",
        "REDIS_URL",
        "LOOKALIKE_VAR",
        "EMAIL_HOST",
        "STRIPE_API_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "INVOICE_ISSUER_NAME",
        "INVOICE_ISSUER_ADDRESS",
        "INVOICE_ISSUER_COUNTRY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ],
)
@pytest.mark.parametrize("emptied", [False, True])
def test_what_is_missing_or_empty_is_named(tmp_path: Path, name: str, emptied: bool) -> None:
    told = production.settings(tmp_path)
    del told[name]
    if emptied:
        told[name] = ""
    found = faults(told, ROOT)
    assert len(found) == 1 and found[0].startswith(f"{name} is not set. Set it")


def test_on_amazon_a_role_of_the_machine_may_stand_for_the_keys(tmp_path: Path) -> None:
    told = production.settings(tmp_path)
    for name in ("S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del told[name]
    assert faults(told, ROOT) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "kQ8vLw2pXz7R4tYnBm5cJd9sHf3gTa6uEi1oPq0yKx4Wr7Zb2", "SECRET_KEY is short or an example"),
        ("SECRET_KEY", "a" * 80, "SECRET_KEY is short or an example"),
        ("SECRET_KEY", "django-insecure-" + "0123456789abcdef" * 4, "SECRET_KEY is short or an example"),
        ("SECRET_KEY", "change-me-" + "0123456789abcdef" * 4, "SECRET_KEY is short or an example"),
        ("LOOKALIKE_KEYS_SECRET", "another-long-random-text", "LOOKALIKE_KEYS_SECRET is short or an example"),
        ("DATABASE_URL", "postgresql://lookalike@db/lookalike", "DATABASE_URL has no password"),
        ("DATABASE_URL", "postgresql://lookalike:lookalike@db/lookalike", "The password in DATABASE_URL is short"),
        ("DATABASE_URL", "postgresql://postgres:password@db/lookalike", "The password in DATABASE_URL is short"),
        ("DATABASE_URL", "postgresql://a-very-long-name:a-very-long-name@db/x", "The password in DATABASE_URL is"),
        ("DATABASE_URL", "mysql://a:kQ8vLw2pXz7R4tYn@db/x", "DATABASE_URL must begin with postgresql://"),
        ("REDIS_URL", "redis://valkey:6379/0", "REDIS_URL has no password"),
        ("REDIS_URL", "redis://:change-me-please@valkey:6379/0", "The password in REDIS_URL is short or an example"),
        ("AWS_SECRET_ACCESS_KEY", "minioadmin", "AWS_SECRET_ACCESS_KEY is short or an example"),
        ("EMAIL_HOST_PASSWORD", "password", "EMAIL_HOST_PASSWORD is an example"),
        ("INVOICE_ISSUER_COUNTRY", "Ireland", "INVOICE_ISSUER_COUNTRY must be a code of two capital letters"),
        ("PUBLIC_URL", "http://market.example", "PUBLIC_URL must begin with https://"),
        ("LOOKALIKE_VAR", str(ROOT / "var"), "LOOKALIKE_VAR must not lie in"),
        ("LOOKALIKE_SCRATCH", str(ROOT / "tests" / ".." / "scratch"), "LOOKALIKE_SCRATCH must not lie in"),
    ],
)
def test_a_demo_value_or_an_unsafe_one_is_refused_and_not_repeated(
    tmp_path: Path, name: str, value: str, said: str
) -> None:
    found = faults(production.settings(tmp_path) | {name: value}, ROOT)
    assert len(found) == 1 and said in found[0]
    if name not in {"LOOKALIKE_VAR", "LOOKALIKE_SCRATCH"}:
        assert value not in found[0]


def test_signing_keys_are_not_sealed_with_the_secret_key(tmp_path: Path) -> None:
    told = production.settings(tmp_path)
    found = faults(told | {"LOOKALIKE_KEYS_SECRET": told["SECRET_KEY"]}, ROOT)
    assert len(found) == 1 and "must not be SECRET_KEY" in found[0]


def test_the_one_machine_stack_is_left_alone(tmp_path: Path) -> None:
    local = {
        "LOOKALIKE_LOCAL": "1",
        "SECRET_KEY": "short",
        "PUBLIC_URL": "http://localhost:8000",
        "DATABASE_URL": "postgresql://postgres@127.0.0.1/lookalike",
        "REDIS_URL": "redis://127.0.0.1/0",
        "LOOKALIKE_VAR": str(ROOT / "var"),
    }
    assert faults(local, ROOT) == []


def test_a_process_says_all_faults_at_once_and_ends(tmp_path: Path) -> None:
    told = production.settings(tmp_path) | {"SECRET_KEY": "change-me"}
    del told["EMAIL_HOST"]
    refused = production.run(told, "manage", "check")
    assert refused.returncode != 0
    assert "SECRET_KEY is short or an example" in refused.stdout and "EMAIL_HOST is not set" in refused.stdout
    assert "change-me" not in refused.stdout


def test_djangos_own_checks_for_deployment_find_nothing(tmp_path: Path) -> None:
    checked = production.run(production.settings(tmp_path), "manage", "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stdout
    assert "System check identified no issues (0 silenced)." in checked.stdout


def test_what_protects_people_is_on(tmp_path: Path) -> None:
    expected = {
        "DEBUG": False,
        "ALLOWED_HOSTS": [HOST],
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
        "ALLAUTH_TRUSTED_PROXY_COUNT": 1,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": False,
        "WHITENOISE_USE_FINDERS": False,
    }
    code = f"print(json.dumps({{name: getattr(settings, name) for name in {list(expected)}}}))"
    assert _python(production.settings(tmp_path), code) == expected


def test_the_folders_that_are_written_are_those_that_were_named(tmp_path: Path) -> None:
    code = "print(json.dumps([str(settings.VAR_DIR), str(settings.SCRATCH_DIR), settings.FILE_UPLOAD_TEMP_DIR]))"
    told = production.settings(tmp_path)
    assert _python(told, code) == [told["LOOKALIKE_VAR"], told["LOOKALIKE_SCRATCH"], told["LOOKALIKE_SCRATCH"]]
    assert _python(told | {"LOOKALIKE_SCRATCH": ""}, code)[1] == f"{told['LOOKALIKE_VAR']}/scratch"


def _python(environment: dict[str, str], code: str) -> Any:
    """What a Python process with these settings prints as JSON."""
    begin = "import json; import marketplace.settings as settings; "
    done = subprocess.run(
        [sys.executable, "-c", begin + code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)
