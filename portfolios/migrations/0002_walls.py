"""Row-level security, and weights that sum to one."""

from django.db import migrations

from accounts.protection import ProtectTenants, ReadOnlyToFirms

# Checked at commit, so that a version's nodes can be written one after another.
WEIGHTS_FOOT = """
CREATE FUNCTION model_weights_foot() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
DECLARE
    of_version bigint := coalesce(NEW.version_id, OLD.version_id);
    of_firm bigint := coalesce(NEW.firm_id, OLD.firm_id);
    total numeric;
BEGIN
    SELECT sum(weight) INTO total FROM portfolios_modelnode WHERE firm_id = of_firm AND version_id = of_version;
    IF total <> 1 THEN
        RAISE EXCEPTION 'the weights of model version % sum to %, not 1', of_version, total
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER weights_foot AFTER INSERT OR UPDATE OR DELETE ON portfolios_modelnode
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION model_weights_foot();
"""


class Migration(migrations.Migration):
    dependencies = [("portfolios", "0001_initial"), ("accounts", "0002_walls")]

    operations = [
        ProtectTenants(
            [
                "TargetModel",
                "ModelVersion",
                "ModelNode",
                "ModelAssignment",
                "Policy",
                "Restriction",
                "FirmPrice",
                "Position",
                "Lot",
                "CashBalance",
                "Transaction",
                "Disposal",
                "FeedFile",
                "FeedRow",
                "DataProblem",
                "Scan",
                "ScanShard",
                "AccountSignal",
            ]
        ),
        ReadOnlyToFirms(["AssetClass", "WashGroup", "Security", "Price"]),
        migrations.RunSQL(WEIGHTS_FOOT, migrations.RunSQL.noop),
    ]
