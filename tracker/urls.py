"""All addresses. No trailing slash anywhere (the admin's own excepted)."""

from django.contrib import admin
from django.urls import include, path

handler404 = "tracker.api.problems.not_found"
handler500 = "tracker.api.problems.server_error"
urlpatterns = [
    path("", include("tracker.api.urls")),  # first: metrics come more often than people
    path("", include("tracker.views.urls")),
    path("", include("planner.urls")),
    path("admin/", admin.site.urls),
]
