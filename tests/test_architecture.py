"""What import-linter cannot see: tables that point upwards by name, and Django loaded by a pure package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Model

ROOT = Path(__file__).resolve().parents[1]
LEFT_TO_RIGHT = ("config", "transplants", "matching", "hospitals", "bank", "core", "hla")
# A pure package, and those of ours that importing it may load.
PURE = {
    "hla": {"hla"},
    "matching.engine": {"matching", "hla"},
    "transplants.statistics": {"transplants", "hla"},
}
FRAMEWORKS = ("django", "celery", "rest_framework", "psycopg2", "redis", "kombu")


def upward_relations(models: list[type[Model]]) -> list[str]:
    """Relations from one app of ours to one further left, as `app.Model.field -> app.Model`."""
    found = []
    for model in models:
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            if field.auto_created or not isinstance(target, type):
                continue
            here, there = model._meta.app_label, target._meta.app_label
            if here in LEFT_TO_RIGHT and there in LEFT_TO_RIGHT and rank(there) < rank(here):
                found.append(f"{model._meta.label}.{field.name} -> {target._meta.label}")
    return found


def rank(label: str) -> int:
    return LEFT_TO_RIGHT.index(label)


def test_a_table_points_only_to_the_right():
    assert upward_relations(list(apps.get_models())) == []


def test_the_walk_would_see_a_table_that_points_upwards(monkeypatch):
    unit = apps.get_model("bank", "CordBloodUnit")
    user = apps.get_model("core", "User")
    monkeypatch.setattr(
        unit._meta.get_field("bank"), "related_model", apps.get_model("matching", "SearchRun")
    )

    assert upward_relations([unit, user]) == ["bank.CordBloodUnit.bank -> matching.SearchRun"]


def test_our_apps_own_only_their_tables():
    foreign = {"account", "auth", "contenttypes", "sessions"}  # Django's and allauth's

    labels = {model._meta.app_label for model in apps.get_models()}

    assert labels - foreign <= set(LEFT_TO_RIGHT)


def modules_of(package: str) -> list[str]:
    """The package and all that lies below it, as names to import."""
    folder = ROOT / package.replace(".", "/")
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted(folder.rglob("*.py"))]
    return [name.removesuffix(".__init__") for name in names]


def loaded_by(modules: list[str]) -> set[str]:
    """Names of everything that a fresh Python has loaded after importing these."""
    code = "\n".join(
        [
            "import importlib, json, sys",
            f"for name in {modules!r}: importlib.import_module(name)",
            "print(json.dumps(sorted(sys.modules)))",
        ]
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout))


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_loads_no_framework_and_no_app(package):
    loaded = loaded_by(modules_of(package))

    tops = {name.partition(".")[0] for name in loaded}
    assert package in loaded
    assert tops & set(FRAMEWORKS) == set()
    assert tops & set(LEFT_TO_RIGHT) <= PURE[package]


def test_the_subprocess_would_see_django():
    assert "django" in loaded_by(["core.errors"])
