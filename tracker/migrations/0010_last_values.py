import math
import struct

from django.db import migrations
from django.db.models import F


def fill(apps, schema_editor):
    """What appends keep from now on: the last value as a number, and how much is unsealed."""
    series = apps.get_model("tracker", "MetricSeries").objects
    series.update(loose=F("count"))
    changed = []
    for one in series.exclude(last_bits=None).only("last_bits").iterator():
        value = struct.unpack("<d", struct.pack("<q", one.last_bits))[0]
        if math.isfinite(value):
            one.last_value = value
            changed.append(one)
    series.bulk_update(changed, ["last_value"], batch_size=300)


class Migration(migrations.Migration):
    dependencies = [("tracker", "0009_appends_and_chunks")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
