"""Blocks, breakers, external orders, parts of trades, and who looks after a break."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.protection import LinkWithinFirm


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_budgets'),
        ('portfolios', '0004_options'),
        ('trading', '0004_certificates'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='block',
            name='block_once',
        ),
        migrations.AddField(
            model_name='allocation',
            name='amount',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='block',
            name='acknowledged_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='block',
            name='affirmed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='block',
            name='allocated_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='block',
            name='connection',
            field=models.ForeignKey(db_constraint=False, default=0, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.brokerconnection'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='block',
            name='deviation',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='block',
            name='deviation_approved_by',
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name='block',
            name='deviation_asked_by',
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name='block',
            name='deviation_reason',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='block',
            name='sent_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='block',
            name='statement',
            field=models.TextField(default=''),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='block',
            name='status',
            field=models.CharField(choices=[('OPEN', 'In the market'), ('ALLOCATING', 'Being allocated'), ('ALLOCATED', 'Allocated'), ('ENDED', 'Ended without a fill')], default='OPEN', max_length=10),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='breaker_opened_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='breaker_reason',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='caught_up_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='needs_catch_up',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='probe_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='stream_lost_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='execution',
            name='gross',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='not_before',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='notional',
            field=models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='part',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='order',
            name='parts',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='order',
            name='role',
            field=models.CharField(choices=[('ACCOUNT', 'For an account'), ('BLOCK', 'For a block'), ('EXTERNAL', 'Placed elsewhere')], default='ACCOUNT', max_length=8),
        ),
        migrations.AddField(
            model_name='order',
            name='tier',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='pretradecheck',
            name='note',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='pretradecheck',
            name='noted_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='pretradecheck',
            name='noted_by',
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name='rebalancerun',
            name='haircut',
            field=models.DecimalField(decimal_places=6, default=0, max_digits=7),
        ),
        migrations.AddField(
            model_name='rebalancerun',
            name='settlement',
            field=models.CharField(choices=[('SAME_DAY', 'Buys from filled sales'), ('NEXT_SESSION', 'Buys from settled cash')], default='SAME_DAY', max_length=12),
        ),
        migrations.AddField(
            model_name='rebalancerun',
            name='skipped',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='reconbreak',
            name='assignee',
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name='reconbreak',
            name='closed_by',
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name='reconbreak',
            name='order',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.order'),
        ),
        migrations.AddField(
            model_name='reconbreak',
            name='resolution',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='reconbreak',
            name='seen_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='tradinghalt',
            name='is_automatic',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='tradinghalt',
            name='lift_asked_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='tradinghalt',
            name='lift_asked_by',
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AlterField(
            model_name='brokerconnection',
            name='breaker_state',
            field=models.CharField(choices=[('CLOSED', 'Closed'), ('OPEN', 'Open'), ('HALF_OPEN', 'Trying again')], default='CLOSED', max_length=10),
        ),
        migrations.AlterField(
            model_name='inboundevent',
            name='result',
            field=models.CharField(choices=[('APPLIED', 'Applied'), ('DUPLICATE', 'Duplicate'), ('STALE', 'Out of date'), ('PARKED', 'Waits for its order'), ('UNMATCHED', 'No such order'), ('CONFLICT', 'Contradicts what is stored')], max_length=10),
        ),
        migrations.AlterField(
            model_name='order',
            name='account',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account'),
        ),
        migrations.AlterField(
            model_name='ordercommand',
            name='kind',
            field=models.CharField(choices=[('SUBMIT', 'Submit'), ('CANCEL', 'Cancel'), ('QUERY', 'Query'), ('ALLOCATE', 'Allocate')], max_length=8),
        ),
        migrations.AddConstraint(
            model_name='block',
            constraint=models.UniqueConstraint(fields=('firm', 'connection', 'security', 'side', 'window'), name='block_once'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('account', None), ('role', 'BLOCK')), models.Q(models.Q(('role', 'BLOCK'), _negated=True), models.Q(('account', None), _negated=True)), _connector='OR'), name='order_block_has_no_account'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('notional', None), ('notional__gt', 0), _connector='OR'), name='order_notional_positive'),
        ),
        LinkWithinFirm('block', 'connection'),
        LinkWithinFirm('reconbreak', 'order'),
    ]
