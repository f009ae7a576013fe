"""The commit-ordered ledger, and the two database roles that make it append-only.

At commit a deferred trigger takes one advisory lock and writes number, row and chained hash. The lock is
held only from there to the end of the commit, so work goes on in parallel; and number n is visible before
n+1 is given out, so a reader that follows the numbers misses nothing (a plain sequence would).

The trigger function runs as the owner: the application's role may insert an audit entry, and may neither
write the ledger itself nor change or delete a row of either table.
"""

from typing import Any

from django.conf import settings
from django.db import migrations

ROLE = "qidai_app"
LOCK = 0x5169646169  # "Qidai"

TRIGGER = f"""
CREATE FUNCTION core_ledger_append() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    last_number bigint;
    last_hash bytea;
    text_row text;
    new_number bigint;
BEGIN
    PERFORM pg_advisory_xact_lock({LOCK});
    SELECT number, hash INTO last_number, last_hash FROM public.core_ledger ORDER BY number DESC LIMIT 1;
    new_number := coalesce(last_number, 0) + 1;
    last_hash := coalesce(last_hash, ''::bytea);
    text_row := to_jsonb(NEW)::text;
    INSERT INTO public.core_ledger (number, entry_id, at, "row", previous_hash, hash, target_type, target_key)
    VALUES (new_number, NEW.id, clock_timestamp(), text_row, last_hash,
            sha256(last_hash || convert_to(new_number::text || E'\\n' || text_row, 'UTF8')),
            NEW.target_type, NEW.target_key);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER core_auditentry_ledger
AFTER INSERT ON core_auditentry
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION core_ledger_append();
"""

UNTRIGGER = """
DROP TRIGGER core_auditentry_ledger ON core_auditentry;
DROP FUNCTION core_ledger_append();
"""

# Rights of every table, present and future, for the application's role; then what it may not.
GRANTS = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        BEGIN
            CREATE ROLE {ROLE} NOLOGIN;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE EXCEPTION 'The role {ROLE} does not exist and may not be created here.'
                USING HINT = 'As a superuser: CREATE ROLE {ROLE} LOGIN PASSWORD ''…''; then migrate again.';
        END;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO {ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {ROLE};
REVOKE UPDATE, DELETE, TRUNCATE ON core_auditentry FROM {ROLE};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON core_ledger FROM {ROLE};
"""


def refuse_if_owner_is_application(apps: Any, schema_editor: Any) -> None:
    """Said once, loudly, where one role does both: the privilege part of the promise cannot hold then."""
    if settings.DATABASE_OWNER.get("USER") == ROLE:
        raise RuntimeError(
            f"Migrations must not run as {ROLE}: set DATABASE_OWNER_URL to the owner of the database."
        )


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [
        migrations.RunPython(refuse_if_owner_is_application, migrations.RunPython.noop),
        migrations.RunSQL(TRIGGER, UNTRIGGER),
        migrations.RunSQL(GRANTS, migrations.RunSQL.noop),
    ]
