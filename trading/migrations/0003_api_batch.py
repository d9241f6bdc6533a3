"""Batches of records that came through the custodians' API."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.protection import ProtectTenants


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_walls'),
        ('portfolios', '0003_reported_day'),
        ('trading', '0002_walls'),
    ]

    operations = [
        migrations.CreateModel(
            name='ApiBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(max_length=32)),
                ('feed', models.CharField(max_length=16)),
                ('mode', models.CharField(max_length=8)),
                ('as_of', models.DateField()),
                ('sequence', models.PositiveIntegerField()),
                ('content_sha256', models.CharField(max_length=64)),
                ('record_count', models.PositiveIntegerField()),
                ('control_totals', models.JSONField(default=dict)),
                ('outcomes', models.JSONField(default=dict)),
                ('applied_at', models.DateTimeField()),
                ('credential', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.apicredential')),
                ('custodian', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.custodian')),
                ('file', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.feedfile')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.firm')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('firm', 'public_id'), name='api_batch_id_once'), models.UniqueConstraint(fields=('firm', 'custodian', 'feed', 'as_of', 'sequence'), name='api_batch_sequence_once')],
            },
        ),
        ProtectTenants(['ApiBatch']),
    ]
