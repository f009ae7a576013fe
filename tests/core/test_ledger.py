"""The ledger: commit order, no gap, no way to change it, and a verification that notices everything."""

from __future__ import annotations

import random
import threading
import time
from io import StringIO

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from core import audit
from core.audit import Actor, Batch
from core.models import AuditEntry, Ledger
from core.ownership import as_owner
from core.verification import verify_ledger
from tests.factories.core import UserFactory

SYSTEM = Actor.system("test")


def record(key: str = "k", action: str = "thing.do") -> AuditEntry:
    return audit.record(actor=SYSTEM, action=action, target=("test.Thing", key, f"thing {key}"))


def as_other_connection(database: dict[str, object]) -> psycopg2.extensions.connection:
    return psycopg2.connect(
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        host=database["HOST"],
        port=database["PORT"] or 5432,
    )


INSERT = """
INSERT INTO core_auditentry (id, at, actor_id, actor_label, request_id, action, target_type, target_key,
                             target_label, reason, batch_sha256)
VALUES (gen_random_uuid(), now(), 'w', 'w', '', 'thing.do', 'test.Thing', %s, '', '', '')
"""


@pytest.mark.django_db(transaction=True)
def test_number_is_given_at_commit() -> None:
    with transaction.atomic():
        record("a")
        assert audit.ledger_head() == 0

    assert audit.ledger_head() == 1


@pytest.mark.django_db(transaction=True)
def test_late_commit_with_an_early_insert_is_not_missed() -> None:
    first = as_other_connection(connection.settings_dict)
    second = as_other_connection(connection.settings_dict)
    first.cursor().execute(INSERT, ["early"])
    second.cursor().execute(INSERT, ["late"])
    second.commit()
    seen = audit.ledger_since(0)
    first.commit()

    rest = audit.ledger_since(seen[-1].number)

    assert [row.target_key for row in seen] == ["late"]
    assert [row.target_key for row in rest] == ["early"]
    first.close()
    second.close()


@pytest.mark.django_db(transaction=True)
def test_eight_writers_and_one_reader_miss_nothing() -> None:
    """Random pauses before commit and some rollbacks; the reader follows the numbers and sees each entry once."""
    database, per_writer, writers = dict(connection.settings_dict), 15, 8
    failures: list[BaseException] = []
    seen: list[str] = []
    done = threading.Event()

    def write(writer: int) -> None:
        chance = random.Random(writer)
        own = as_other_connection(database)
        try:
            for number in range(per_writer):
                cursor = own.cursor()
                for part in range(chance.randint(1, 3)):
                    cursor.execute(INSERT, [f"{writer}-{number}-{part}"])
                time.sleep(chance.random() * 0.03)
                own.rollback() if chance.random() < 0.2 else own.commit()
        except BaseException as error:
            failures.append(error)
        finally:
            own.close()

    def read() -> None:
        own = as_other_connection(database)
        own.autocommit = True
        last = 0
        try:
            while True:
                final = done.is_set()
                cursor = own.cursor()
                cursor.execute(
                    "SELECT number, target_key FROM core_ledger WHERE number > %s ORDER BY number", [last]
                )
                for number, key in cursor.fetchall():
                    assert number == last + 1
                    last = number
                    seen.append(key)
                if final:
                    return
        except BaseException as error:
            failures.append(error)
        finally:
            own.close()

    reader = threading.Thread(target=read)
    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    reader.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    done.set()
    reader.join(60)

    assert failures == []
    written = list(AuditEntry.objects.values_list("target_key", flat=True))
    assert len(written) > 100
    assert sorted(seen) == sorted(written)
    assert verify_ledger().findings == []


@pytest.mark.django_db(transaction=True)
def test_locks_of_services_do_not_deadlock_with_the_ledger() -> None:
    """A row lock held by one transaction, a foreign-key check of the other at commit: NO KEY UPDATE lets both pass."""
    from tests.factories.core import UserFactory

    user = UserFactory()
    first = as_other_connection(connection.settings_dict)
    second = as_other_connection(connection.settings_dict)
    one, two = first.cursor(), second.cursor()
    two.execute("SELECT 1 FROM core_user WHERE id = %s FOR NO KEY UPDATE", [str(user.pk)])
    one.execute(INSERT, ["one"])
    one.execute(
        "INSERT INTO core_rolegrant (user_id, role, granted_at) VALUES (%s, 'admin', now())", [str(user.pk)]
    )
    two.execute(INSERT, ["two"])
    first.commit()
    second.commit()

    assert [row.target_key for row in audit.ledger_since(0)] == ["one", "two"]
    first.close()
    second.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_ledger SET row = 'x'",
        "DELETE FROM core_ledger",
        "TRUNCATE core_ledger",
        "INSERT INTO core_ledger VALUES (2, gen_random_uuid(), now(), '', '', '', '', '')",
        "UPDATE core_auditentry SET action = 'x'",
        "DELETE FROM core_auditentry",
        "TRUNCATE core_auditentry",
        "ALTER TABLE core_auditentry DISABLE TRIGGER ALL",
        "DROP FUNCTION core_ledger_append() CASCADE",
    ],
)
def test_application_role_cannot_rewrite_history(sql: str) -> None:
    with transaction.atomic():
        record()
    own = as_other_connection(connection.settings_dict)

    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        own.cursor().execute(sql)

    own.close()


@pytest.mark.django_db
def test_code_refuses_to_change_audit_rows() -> None:
    with transaction.atomic():
        record()

    for rows in (AuditEntry.objects.all(), Ledger.objects.all()):
        with pytest.raises(TypeError):
            rows.update(target_key="x")
        with pytest.raises(TypeError):
            rows.delete()


@pytest.mark.django_db(transaction=True)
def test_only_a_person_has_the_key_of_an_account() -> None:
    person = UserFactory()

    assert Actor.user(person).person_id == person.pk
    assert Actor.system("test").person_id is None
    with pytest.raises(ValueError, match="UUID"):
        _ = Actor(id="nobody", label="neither a person nor a routine").person_id


def test_record_needs_a_transaction() -> None:
    with pytest.raises(TransactionManagementError):
        record()


@pytest.mark.django_db(transaction=True)
def test_rolled_back_work_leaves_no_entry_and_no_gap() -> None:
    with transaction.atomic():
        record("kept")
    with transaction.atomic():
        record("lost")
        transaction.set_rollback(True)
    with transaction.atomic():
        record("also kept")

    assert [(row.number, row.target_key) for row in audit.ledger_since(0)] == [(1, "kept"), (2, "also kept")]


@pytest.mark.django_db(transaction=True)
def test_since_filters_by_type_and_limits() -> None:
    with transaction.atomic():
        record("a")
        audit.record(actor=SYSTEM, action="x", target=("test.Other", "b", "b"), batch=Batch(3, "ab" * 32))
        record("c")

    assert [row.target_key for row in audit.ledger_since(0, target_types=["test.Thing"])] == ["a", "c"]
    assert [row.target_key for row in audit.ledger_since(1, limit=1)] == ["b"]
    assert audit.ledger_since(1)[0].data["batch_rows"] == 3


@pytest.mark.django_db(transaction=True)
def test_verify_accepts_a_whole_ledger() -> None:
    with transaction.atomic():
        record("a")
        record("脐带血")
    out = StringIO()

    call_command("audit_verify", stdout=out)

    assert "intact: 2 rows, head 2" in out.getvalue()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        (
            "UPDATE core_ledger SET row = replace(row, 'thing.do', 'thing.undo') WHERE number = 2",
            "row 2 was changed",
        ),
        ("UPDATE core_ledger SET previous_hash = 'x' WHERE number = 2", "row 2 does not continue"),
        ("DELETE FROM core_ledger WHERE number = 2", "number 2 is missing"),
        (
            "UPDATE core_auditentry SET reason = 'x' WHERE target_key = 'b'",
            "ledger row 2 was changed in the audit",
        ),
        ("DELETE FROM core_auditentry WHERE target_key = 'b'", "ledger row 2 was deleted from the audit"),
        ("DELETE FROM core_ledger WHERE number = 3", "stands in the audit but not in the ledger"),
    ],
)
def test_verify_notices_what_an_owner_did(sql: str, finding: str) -> None:
    with transaction.atomic():
        for key in "abc":
            record(key)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(sql)

    report = verify_ledger()

    assert any(finding in text for text in report.findings), report.findings
    with pytest.raises(CommandError, match="NOT intact"):
        call_command("audit_verify", stderr=StringIO())
