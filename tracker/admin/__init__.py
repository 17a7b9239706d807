"""Upkeep for staff. The pages people live in are tracker.views; both link to each other."""

from django.contrib import admin
from django.contrib.auth.decorators import login_required

from tracker.admin import (
    access,
    clusters,
    eventfiles,
    experiments,
    jobs,
    notices,
    runs,
    submissions,
)

__all__ = [
    "access",
    "clusters",
    "eventfiles",
    "experiments",
    "jobs",
    "notices",
    "runs",
    "submissions",
]

# Our own page signs people in, and counts how often a password is tried.
admin.site.login = login_required(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = "Queuecast upkeep"
admin.site.site_title = "Queuecast upkeep"
admin.site.index_title = "Everything that is kept"
