from django.db import migrations

MAIL = ("state", "tries", "claimed_at", "finished_at", "error", "mail_to")
SLOT = ("watch_id", "where", "p50_at", "p90_at", "sbatch_args")


def to_better_slots(apps, schema_editor):
    """The text of an e-mail is not made again: one that still waits says what the page says."""
    Notice = apps.get_model("tracker", "Notice")
    BetterSlot = apps.get_model("planner", "BetterSlot")
    olds = apps.get_model("planner", "Notice").objects.select_related("watch__cluster")
    for old in olds.order_by("made_at").iterator():
        notice = Notice.objects.create(
            user_id=old.watch.user_id,
            kind="better_slot",
            made_at=old.made_at,
            title=f"A better slot on {old.watch.cluster.name}: {old.where}",
            path="/watches",
            read_at=old.read_at,
            **{name: getattr(old, name) for name in MAIL},
        )
        BetterSlot.objects.create(
            notice=notice,
            snapshot_at=old.snapshot_at or old.made_at,
            **{name: getattr(old, name) for name in SLOT},
        )


class Migration(migrations.Migration):
    dependencies = [("planner", "0008_better_slots")]

    operations = [migrations.RunPython(to_better_slots, migrations.RunPython.noop)]
