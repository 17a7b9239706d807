"""The Celery application. Tasks take ids, claim rows, and are safe to run twice."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")

app = Celery("queuecast")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["tracker", "planner"])
