"""A release is never changed or deleted, nor what an approved specification asks for."""

from django.db import migrations

ROLE = "qidai_app"
GUARD = f"""
REVOKE UPDATE, DELETE, TRUNCATE ON bank_release FROM {ROLE};
CREATE FUNCTION bank_criterion_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = '{ROLE}' AND EXISTS (
        SELECT 1 FROM bank_releasespecification
        WHERE id IN (OLD.specification_id, CASE WHEN TG_OP = 'UPDATE' THEN NEW.specification_id END)
            AND approved_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a criterion of an approved release specification is never changed';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER bank_criterion_stays BEFORE UPDATE OR DELETE ON bank_releasecriterion
    FOR EACH ROW EXECUTE FUNCTION bank_criterion_stays();
"""
UNGUARD = f"""
DROP TRIGGER bank_criterion_stays ON bank_releasecriterion;
DROP FUNCTION bank_criterion_stays();
GRANT UPDATE, DELETE ON bank_release TO {ROLE};
"""


class Migration(migrations.Migration):
    # after the grants on all tables, which would undo it
    dependencies = [("bank", "0007_release"), ("core", "0002_ledger")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
