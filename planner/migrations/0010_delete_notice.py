from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("planner", "0009_notices_to_better_slots")]

    operations = [migrations.DeleteModel(name="Notice")]
