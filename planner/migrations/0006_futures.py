from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('planner', '0005_learnt'),
    ]

    operations = [
        migrations.AddField(
            model_name='forecastbatch',
            name='futures',
            field=models.BinaryField(null=True),
        ),
    ]
