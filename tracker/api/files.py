"""The files of a run over the API: what its folders hold, and downloads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TypeVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.base import ActorView, visible_or_404
from tracker.api.downloads import file_response
from tracker.api.problems import Problem, bad_field
from tracker.files.run_files import Place, list_run_folder, open_run_file, places_of
from tracker.logs import Unreadable
from tracker.logs.unreadable import shown
from tracker.models import Run

T = TypeVar("T")

# 404: there is nothing (yet); 400: ask otherwise; 403: there is something, and it is not shown.
STATUS_BY_KIND = {"absent": 404, "not_a_folder": 400, "not_a_file": 400}
PATH = OpenApiParameter("path", description="absolute, as the listing tells it")
RANGE = OpenApiParameter("Range", location="header", description="one range of bytes")


class PlaceShape(serializers.Serializer):
    path = serializers.CharField()
    kind = serializers.CharField(help_text="folder: the run's own; else the artifact's kind")
    told_at = serializers.DateTimeField(allow_null=True)


class EntryShape(serializers.Serializer):
    name = serializers.CharField()
    path = serializers.CharField()
    kind = serializers.ChoiceField(["file", "folder", "link", "other"])
    size = serializers.IntegerField(allow_null=True, help_text="bytes of a file")
    modified_at = serializers.FloatField(help_text="epoch seconds")
    opens = serializers.BooleanField(help_text="false: a link, or another user's")


class FolderShape(serializers.Serializer):
    places = PlaceShape(many=True, required=False)
    path = serializers.CharField(required=False)
    entries = EntryShape(many=True, required=False)
    more = serializers.BooleanField(required=False, help_text="the folder holds more than these")


class FilesView(ActorView):
    def run_or_404(self, run_id: str) -> Run:
        runs = self.actor.runs().select_related("job__cluster", "created_by")
        return visible_or_404(runs, "Run", pk=run_id)

    def read(self, take: Callable[[], T]) -> T:
        try:
            return take()
        except Unreadable as unreadable:
            status = STATUS_BY_KIND.get(unreadable.kind, 403)
            raise Problem(status, unreadable.message) from unreadable


class RunFiles(FilesView):
    @extend_schema(parameters=[PATH], responses=FolderShape)
    def get(self, request: Request, run_id: str) -> Response:
        """Without a path the places where the run keeps files, with one what that folder holds."""
        run = self.run_or_404(run_id)
        if not (asked := request.query_params.get("path")):
            return Response({"places": [_place(place) for place in places_of(run)]})
        path = PurePosixPath(asked)
        listing = self.read(lambda: list_run_folder(run, path, self.actor))
        entries = [
            {
                "name": shown(entry.name),
                "path": shown(path / entry.name),
                "kind": entry.kind,
                "size": entry.size,
                "modified_at": entry.modified_at,
                "opens": entry.opens,
            }
            for entry in listing.entries
        ]
        return Response({"path": shown(path), "entries": entries, "more": listing.more})


class RunFileContent(FilesView):
    @extend_schema(
        parameters=[PATH, RANGE],
        responses={200: OpenApiTypes.BINARY, 206: OpenApiTypes.BINARY},
    )
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """The file, always to be saved: browsers open none of it as a page."""
        run = self.run_or_404(run_id)
        if not (asked := request.query_params.get("path")):
            raise bad_field("path", asked, "names no file; give one that the listing told of")
        path = PurePosixPath(asked)
        return file_response(
            self.read(lambda: open_run_file(run, path, self.actor)),
            path.name,
            asked_range=request.headers.get("Range", ""),
            if_range=request.headers.get("If-Range", ""),
            with_body=request.method != "HEAD",
        )


def _place(place: Place) -> dict[str, object]:
    artifact = place.artifact
    return {
        "path": shown(place.path),
        "kind": artifact.kind if artifact else "folder",
        "told_at": artifact.created_at if artifact else None,
    }
