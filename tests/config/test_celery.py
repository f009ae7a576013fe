"""How work is spread over queues and bounded, and what a worker does when it starts."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from celery.schedules import crontab
from celery.signals import celeryd_after_setup, worker_init, worker_process_init
from django.conf import settings

from config import env, supervisor, warming
from config.celery import app

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _tasks() -> None:
    app.loader.import_default_modules()


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("matching.search", "interactive"),
        ("matching.reread", "batch"),
        ("matching.impute", "batch"),
        ("matching.replay", "batch"),
        ("matching.search_waiting", "maintenance"),
        ("matching.night", "batch"),
        ("matching.new_units", "batch"),
        ("matching.follow_units", "maintenance"),
        ("core.sweep_jobs", "maintenance"),
        ("matching.sweep_watches", "maintenance"),
        ("hospitals.sweep_duplicates", "maintenance"),
        ("core.send_mails", "batch"),
        ("core.send_hooks", "batch"),
    ],
)
def test_each_task_has_its_queue(task: str, queue: str) -> None:
    assert task in app.tasks

    assert app.amqp.router.route({}, task)["queue"].name == queue


def test_what_beat_sends_waits_nowhere_else_than_its_task_says() -> None:
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert "queue" not in entry["options"]


@pytest.mark.parametrize(("hours", "due"), [(1, True), (5, True), (7, False), (20, False)])
def test_a_beat_that_starts_in_the_morning_does_not_search_for_the_night(hours: int, due: bool) -> None:
    entry = app.conf.beat_schedule["search-waiting"]["schedule"]
    zone = ZoneInfo(app.conf.timezone)
    night = datetime(2026, 11, 28, settings.NIGHT_HOUR, tzinfo=zone)
    schedule = crontab(hour=entry.hour, minute=0, app=app, nowfun=lambda: night + timedelta(hours=hours))

    assert schedule.is_due(night - timedelta(days=1)).is_due == due


def test_a_search_is_stopped_sooner_than_other_work_and_nothing_lasts_longer_than_its_message() -> None:
    search, reread, sweep = (
        app.tasks[name] for name in ("matching.search", "matching.reread", "core.sweep_jobs")
    )

    assert (search.soft_time_limit, search.time_limit) == (300, 360)
    assert sweep.time_limit < search.time_limit
    for task in (search, reread, sweep):
        soft = task.soft_time_limit or app.conf.task_soft_time_limit
        hard = task.time_limit or app.conf.task_time_limit
        assert soft < hard < app.conf.broker_transport_options["visibility_timeout"]


def test_messages_are_acknowledged_when_the_work_is_over_and_taken_one_by_one() -> None:
    assert app.conf.worker_prefetch_multiplier == 1
    for task in app.tasks.values():
        if not task.name.startswith("celery."):
            assert task.acks_late
            assert not task.reject_on_worker_lost


def test_limits_and_memory_come_from_the_environment() -> None:
    code = (
        "import json; from config.celery import app; app.loader.import_default_modules(); "
        "search, conf = app.tasks['matching.search'], app.conf; "
        "print(json.dumps([search.soft_time_limit, conf.task_time_limit, conf.worker_max_memory_per_child]))"
    )
    given = {
        "QIDAI_SEARCH_LIMIT_SECONDS": "10",
        "QIDAI_JOB_LIMIT_SECONDS": "20",
        "QIDAI_WORKER_MEMORY_MB": "512",
    }

    answer = subprocess.check_output(
        [sys.executable, "-c", code], cwd=CHECKOUT, env={**os.environ, **given}, text=True
    )

    assert json.loads(answer) == [10, 24, 500_000]


def test_an_interactive_search_has_a_worker_of_its_own_and_no_batch_holds_up_the_sweep(
    tmp_path: Path,
) -> None:
    worker, batch = (child for child in children(tmp_path) if "worker" in child.name)

    assert queues(worker.command) == {"interactive", "maintenance"}
    assert queues(batch.command) == {"batch", "maintenance"}
    assert tuple(batch.command[:3]) == ("nice", "-n", "10")
    assert name(worker.command) != name(batch.command)  # two of one name would take each other's orders


def test_the_number_of_processes_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QIDAI_INTERACTIVE_PROCESSES", "7")
    monkeypatch.setenv("QIDAI_BATCH_PROCESSES", "3")

    found = [
        child.command[list(child.command).index("-c") + 1]
        for child in children(tmp_path)
        if "worker" in child.name
    ]

    assert found == ["7", "3"]


def children(var: Path) -> list[supervisor.Child]:
    with supervisor.web_socket() as listener:
        return supervisor.make_children(var, {}, listener)


def queues(command: Any) -> set[str]:
    return set(command[list(command).index("-Q") + 1].split(","))


def name(command: Any) -> str:
    return str(command[list(command).index("-n", 3) + 1])


def test_a_process_that_serves_searches_makes_itself_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[bool] = []
    monkeypatch.setattr(warming, "start", lambda: started.append(True))
    monkeypatch.setattr(warming, "in_pool", lambda: True)
    app.amqp.queues.select(["interactive", "maintenance"])
    worker_process_init.send(sender="test")
    app.amqp.queues.select(["batch", "maintenance"])
    worker_process_init.send(sender="test")
    app.amqp.queues.select([queue.name for queue in app.conf.task_queues])
    monkeypatch.undo()
    monkeypatch.setattr(warming, "start", lambda: started.append(False))
    worker_process_init.send(sender="test")  # this process is nobody's child

    assert started == [True]


def test_making_ready_happens_beside_the_start_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    begun = threading.Event()

    def inventory() -> None:
        begun.wait(20)
        made.append("inventory")

    monkeypatch.setattr("matching.inventory.warm", inventory)
    monkeypatch.setattr("matching.predictions.warm", lambda: made.append("predictions"))

    warming.start()
    assert made == []  # whoever started it goes on
    begun.set()
    for thread in threading.enumerate():
        if thread.name == "warming":
            thread.join(20)

    assert made == ["inventory", "predictions"]


@pytest.mark.django_db
def test_a_process_that_cannot_be_made_ready_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise OSError("no space left")

    monkeypatch.setattr("matching.inventory.warm", away)

    warming.warm()

    assert "no space left" in caplog.text


def test_a_worker_compiles_before_it_forks_and_starts_even_if_that_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def compile_loops() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("cannot cache function")

    monkeypatch.setattr("matching.engine.ready.compile_loops", compile_loops)
    for _ in range(2):
        worker_init.send(sender="test")

    assert len(calls) == 2
    assert "could not be compiled" in caplog.text


@pytest.mark.parametrize(("queue", "hears"), [("batch", True), ("interactive", False)])
def test_the_worker_of_long_work_hears_the_queue_of_its_host(queue: str, hears: bool) -> None:
    """Files are each host's own: only a worker of this host can make its file anew."""
    from matching.tasks import host_queue

    with Celery("other", set_as_current=False) as other:
        other.conf.task_queues = app.conf.task_queues
        other.amqp.queues.select([queue, "maintenance"])

        celeryd_after_setup.send(sender="worker@here", instance=SimpleNamespace(app=other), conf=other.conf)

        assert (host_queue() in other.amqp.queues.consume_from) == hears


def test_a_crowded_snapshot_rings_its_host_but_not_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.cache import cache

    from matching import inventory, tasks

    sent: list[dict[str, Any]] = []
    cache.delete(f"compact:{tasks.host_queue()}")
    monkeypatch.setattr(tasks.compact, "apply_async", lambda **options: sent.append(options))
    monkeypatch.setattr(inventory, "is_crowded", lambda: False)
    tasks.compact_if_crowded()
    assert sent == []

    monkeypatch.setattr(inventory, "is_crowded", lambda: True)
    for _ in range(3):
        tasks.compact_if_crowded()

    assert [one["queue"] for one in sent] == [tasks.host_queue()]


def test_the_night_and_the_follower_are_called_in_queues_that_no_person_waits_in(settings: Any) -> None:
    night, follower = (app.conf.beat_schedule[name] for name in ("search-waiting", "follow-units"))

    assert night["schedule"].hour == {settings.NIGHT_HOUR}
    assert night["schedule"].minute == {0}
    assert app.conf.timezone == settings.TIME_ZONE
    assert {night["task"], follower["task"]} <= set(app.tasks)


@pytest.mark.parametrize("value", ["24", "-1", "two"])
def test_an_hour_that_is_none_is_refused_with_its_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, "QIDAI_NIGHT_HOUR", value)


@pytest.mark.parametrize(
    "name", ["JOB_LEASE_SECONDS", "JOB_SWEEP_SECONDS", "SEARCH_LIMIT_SECONDS", "WORKER_MEMORY_MB"]
)
def test_a_bound_of_nothing_is_refused_with_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(monkeypatch, f"QIDAI_{name}", "0")


def refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """By the settings themselves, read anew beside those in use."""
    monkeypatch.setenv(name, value)
    with pytest.raises(env.BadEnvironment, match=name):
        runpy.run_path(str(Path(supervisor.__file__).with_name("settings.py")))


@pytest.mark.parametrize("name", ["QIDAI_INTERACTIVE_PROCESSES", "QIDAI_BATCH_PROCESSES"])
def test_no_processes_are_refused_with_the_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "0")

    with pytest.raises(env.BadEnvironment, match=name):
        children(tmp_path)


@pytest.mark.parametrize("value", ["abc", "-1", "70000"])
def test_a_port_that_is_none_is_refused_with_its_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QIDAI_PORT", value)

    with pytest.raises(env.BadEnvironment, match="QIDAI_PORT"), supervisor.web_socket():
        pass


def test_who_shares_the_files_is_one_host(settings: Any, tmp_path: Path) -> None:
    """Two containers with one volume have two names; threads and processes that begin at once agree."""
    from matching.tasks import host_queue

    settings.VAR_DIR = tmp_path / "one"
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(host_queue())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in settings.VAR_DIR.iterdir()] == ["host-id"]
    settings.VAR_DIR = tmp_path / "another"
    assert host_queue() not in found
