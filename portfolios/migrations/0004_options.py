"""Ranges in which accounts keep holdings, and what may be bought in place of a model's securities."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.protection import ProtectTenants


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_budgets'),
        ('portfolios', '0003_reported_day'),
    ]

    operations = [
        migrations.CreateModel(
            name='HoldRange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('unit', models.CharField(choices=[('SHARES', 'Shares'), ('DOLLARS', 'Dollars'), ('WEIGHT', 'Percent of the account')], max_length=7)),
                ('lowest', models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True)),
                ('highest', models.DecimalField(blank=True, decimal_places=6, max_digits=15, null=True)),
                ('reason', models.CharField(max_length=200)),
                ('account', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.firm')),
                ('security', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.security')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('firm', 'account', 'security'), name='hold_range_once'), models.CheckConstraint(condition=models.Q(('lowest__isnull', False), ('highest__isnull', False), _connector='OR'), name='hold_range_has_an_end'), models.CheckConstraint(condition=models.Q(models.Q(('lowest', None), ('lowest__gte', 0), _connector='OR'), models.Q(('highest', None), ('highest__gte', 0), _connector='OR'), models.Q(('lowest', None), ('highest', None), ('lowest__lte', models.F('highest')), _connector='OR')), name='hold_range_ends_in_order'), models.CheckConstraint(condition=models.Q(models.Q(('unit', 'WEIGHT'), _negated=True), models.Q(models.Q(('lowest', None), ('lowest__lte', 1), _connector='OR'), models.Q(('highest', None), ('highest__lte', 1), _connector='OR')), _connector='OR'), name='hold_range_weight_is_fraction')],
            },
        ),
        migrations.CreateModel(
            name='ModelAlternate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveSmallIntegerField()),
                ('alternate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.security')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.firm')),
                ('security', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.security')),
                ('target_model', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.targetmodel')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('firm', 'target_model', 'security', 'alternate'), name='model_alternate_once'), models.CheckConstraint(condition=models.Q(('rank__gte', 1)), name='model_alternate_rank_from_one'), models.CheckConstraint(condition=models.Q(('alternate', models.F('security')), _negated=True), name='model_alternate_is_another')],
            },
        ),
        ProtectTenants(["HoldRange", "ModelAlternate"]),
    ]
