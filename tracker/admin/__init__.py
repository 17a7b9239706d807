"""Upkeep for staff. The pages people live in are tracker.views; both link to each other."""

from django.contrib import admin

from tracker.admin import access, clusters, experiments, jobs, runs

__all__ = ["access", "clusters", "experiments", "jobs", "runs"]

admin.site.site_header = "Queuecast upkeep"
admin.site.site_title = "Queuecast upkeep"
admin.site.index_title = "Everything that is kept"
