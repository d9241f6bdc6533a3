"""Blocks: what a custodian is told of who gets what; statements that are written once."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.protection import ProtectTenants

WRITTEN_ONCE = """
CREATE TRIGGER statement_stands BEFORE UPDATE ON trading_block FOR EACH ROW
    WHEN ((OLD.statement, OLD.statement_sha256, OLD.connection_id, OLD.security_id, OLD.side)
          IS DISTINCT FROM (NEW.statement, NEW.statement_sha256, NEW.connection_id, NEW.security_id, NEW.side))
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON trading_block FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER shares_stand BEFORE UPDATE ON trading_allocationinstruction FOR EACH ROW
    WHEN ((OLD.block_id, OLD.revision, OLD.reason, OLD.cum_quantity, OLD.gross, OLD.average_price, OLD.shares,
           OLD.shares_sha256, OLD.created_at)
          IS DISTINCT FROM (NEW.block_id, NEW.revision, NEW.reason, NEW.cum_quantity, NEW.gross, NEW.average_price,
                            NEW.shares, NEW.shares_sha256, NEW.created_at))
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON trading_allocationinstruction
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
FORGET = """
DROP TRIGGER statement_stands ON trading_block;
DROP TRIGGER never_deleted ON trading_block;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_budgets'),
        ('trading', '0006_guards'),
    ]

    operations = [
        migrations.AlterField(
            model_name='block',
            name='status',
            field=models.CharField(choices=[('OPEN', 'In the market'), ('ALLOCATING', 'Being allocated'), ('ALLOCATED', 'Allocated'), ('ENDED', 'Ended without a fill'), ('DISSOLVED', 'Taken apart before it was sent')], default='OPEN', max_length=10),
        ),
        migrations.CreateModel(
            name='AllocationInstruction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveSmallIntegerField()),
                ('reason', models.CharField(max_length=300)),
                ('cum_quantity', models.DecimalField(decimal_places=6, max_digits=20)),
                ('gross', models.DecimalField(decimal_places=2, max_digits=20)),
                ('average_price', models.DecimalField(decimal_places=6, max_digits=18)),
                ('shares', models.TextField()),
                ('shares_sha256', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                ('refused_at', models.DateTimeField(blank=True, null=True)),
                ('refusal', models.CharField(blank=True, max_length=300)),
                ('block', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.block')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.firm')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('firm', 'block', 'revision'), name='allocation_instruction_once')],
            },
        ),
        ProtectTenants(["AllocationInstruction"]),
        migrations.RunSQL(WRITTEN_ONCE, FORGET),
    ]
