"""How often a line fell behind, so that catching up on one silence does not hide the next."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('trading', '0007_blocks')]

    operations = [
        migrations.AddField(
            model_name='brokerconnection',
            name='silences',
            field=models.PositiveIntegerField(default=0),
        ),
    ]
