"""The newest day of which each account's positions, lots and cash were reported."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.protection import ProtectTenants


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_walls"), ("portfolios", "0002_walls")]

    operations = [
        migrations.CreateModel(
            name='ReportedDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(choices=[('POSITIONS', 'Positions'), ('LOTS', 'Lots'), ('CASH', 'Cash')], max_length=9)),
                ('reported_on', models.DateField()),
                ('account', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('firm', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.firm')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('firm', 'account', 'subject'), name='reported_day_once')],
            },
        ),
        ProtectTenants(["ReportedDay"]),
    ]
