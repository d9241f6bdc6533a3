"""Row-level security, and histories that only grow."""

from django.db import migrations

from accounts.protection import ProtectTenants, ReadOnlyToFirms

GROW_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON trading_approval FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON trading_ordertransition
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON trading_execution FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON trading_inboundevent FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON trading_order FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial"), ("portfolios", "0002_walls")]

    operations = [
        ProtectTenants(
            [
                "Proposal",
                "ProposalAccount",
                "Approval",
                "BrokerConnection",
                "RebalanceRun",
                "Order",
                "OrderLot",
                "OrderCommand",
                "OrderTransition",
                "InboundEvent",
                "Execution",
                "Block",
                "Allocation",
                "PreTradeCheck",
                "TradingHalt",
                "ReconBreak",
                "ApiRequest",
            ]
        ),
        ReadOnlyToFirms(["ApiCredential"]),
        migrations.RunSQL(GROW_ONLY, migrations.RunSQL.noop),
    ]
