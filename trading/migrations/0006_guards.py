"""What a circuit breaker remembers: why it opened, how often, the failures it counts, and the custodian's clock."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('trading', '0005_pipeline')]

    operations = [
        migrations.AddField(
            model_name='brokerconnection',
            name='breaker_cause',
            field=models.CharField(blank=True, max_length=12),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='breaker_tries',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='failures',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='brokerconnection',
            name='clock_skew_ms',
            field=models.IntegerField(blank=True, null=True),
        ),
    ]
