"""Row-level security, the runtime role's rights, and the audit chain."""

from django.db import migrations

from accounts.protection import CURRENT_FIRM, CURRENT_USER, ProtectTenants, ReadOnlyToFirms, runtime_role


def grant_runtime_role(apps, schema_editor):
    role = runtime_role()
    for statement in (
        f'GRANT USAGE ON SCHEMA public TO "{role}"',
        f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"',
        f'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "{role}"',
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}"',
        f'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "{role}"',
        f'REVOKE UPDATE, DELETE, TRUNCATE ON accounts_auditevent FROM "{role}"',
        f'REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON accounts_firm FROM "{role}"',
    ):
        schema_editor.execute(statement)


# The firm's own row, and those of the firms in which the signed-in user has a part.
FIRM_WALL = f"""
ALTER TABLE accounts_firm ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_firm FORCE ROW LEVEL SECURITY;
CREATE POLICY firm ON accounts_firm USING (
    id = {CURRENT_FIRM} OR id IN (SELECT firm_id FROM accounts_membership WHERE user_id = {CURRENT_USER})
);
CREATE POLICY operator ON accounts_firm TO CURRENT_USER USING (true) WITH CHECK (true);

CREATE FUNCTION all_firm_ids() RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
    AS $$ SELECT id FROM accounts_firm $$;
CREATE FUNCTION firm_by_slug(wanted text) RETURNS TABLE (id bigint, slug varchar, name varchar)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
    AS $$ SELECT id, slug, name FROM accounts_firm WHERE slug = wanted $$;
"""

# Each event's hash covers the one before it. The lock orders writers of one firm; the text form is fixed by the database.
AUDIT_CHAIN = """
CREATE FUNCTION audit_event_digest(event accounts_auditevent) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = public AS $$
    SELECT sha256(event.previous_hash || convert_to(jsonb_build_array(
        event.firm_id, event.sequence, to_char(event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        event.actor, event.action, event.subject, event.subject_id, event.payload)::text, 'UTF8'))
$$;

CREATE FUNCTION audit_event_chain() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit', NEW.firm_id));
    SELECT sequence, hash INTO last FROM accounts_auditevent
        WHERE firm_id = NEW.firm_id ORDER BY sequence DESC LIMIT 1;
    NEW.sequence := coalesce(last.sequence, 0) + 1;
    NEW.previous_hash := coalesce(last.hash, ''::bytea);
    NEW.hash := audit_event_digest(NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER chain BEFORE INSERT ON accounts_auditevent FOR EACH ROW EXECUTE FUNCTION audit_event_chain();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only_all BEFORE TRUNCATE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunPython(grant_runtime_role, migrations.RunPython.noop),
        ProtectTenants(
            ["Membership", "Household", "Client", "TaxProfile", "Account", "CashReserve", "ScheduledFlow", "AuditEvent"],
            also_visible={"Membership": f"user_id = {CURRENT_USER}"},
        ),
        ReadOnlyToFirms(["Custodian"]),
        migrations.RunSQL(FIRM_WALL, migrations.RunSQL.noop),
        migrations.RunSQL(AUDIT_CHAIN, migrations.RunSQL.noop),
    ]
