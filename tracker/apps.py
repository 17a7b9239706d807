from django.apps import AppConfig


class TrackerConfig(AppConfig):
    name = "tracker"

    def ready(self) -> None:
        # Loaded here and not in tracker/__init__.py: importing tracker.slurm must import no Celery.
        from tracker import celery, checks  # noqa: F401
