"""Tick sizes by security and day, and cut-offs of mutual funds: firms read them, the operator writes them."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.protection import ReadOnlyToFirms


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_budgets'),
        ('portfolios', '0004_options'),
    ]

    operations = [
        migrations.CreateModel(
            name='FundTerms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cut_off_at', models.TimeField()),
                ('settle_days', models.PositiveSmallIntegerField()),
                ('source', models.CharField(max_length=80)),
                ('custodian', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.custodian')),
                ('security', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.security')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('security', 'custodian'), name='fund_terms_once', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='TickSize',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(blank=True, null=True)),
                ('increment', models.DecimalField(decimal_places=6, max_digits=7)),
                ('source', models.CharField(max_length=80)),
                ('security', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.security')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('security', 'starts_on'), name='tick_size_once'), models.CheckConstraint(condition=models.Q(('increment__gt', 0), models.Q(('ends_on', None), ('ends_on__gt', models.F('starts_on')), _connector='OR')), name='tick_size_holds_for_days')],
            },
        ),
        ReadOnlyToFirms(["FundTerms", "TickSize"]),
    ]
