"""Exports: the runs of a list, or their points, as a file."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from tracker.api.base import ActorView
from tracker.api.downloads import streamed
from tracker.api.problems import Problem, bad_field
from tracker.api.run_lists import QUERY
from tracker.api.shapes import OneOf
from tracker.exports import (
    Format,
    Table,
    TooWideError,
    installed_formats,
    points_of,
    table_of,
    written,
)
from tracker.filters import RunFilter
from tracker.models import Run
from tracker.searching.lists import Which, run_list

MAX_NAMED_RUNS = 1_000
TYPES = {
    Format.CSV: "text/csv",
    Format.JSON: "application/json",
    Format.PARQUET: "application/vnd.apache.parquet",
}
OF_EVERY_LIST = [
    OpenApiParameter("experiment", int, description="id of the experiment"),
    OpenApiParameter("status", str, many=True, enum=Run.Status.values),
]
NO_PARQUET = (
    "is not installed here (it needs pyarrow): ask staff to install requirements-parquet.lock, or "
    "take csv or json"
)


class ExportQuery(serializers.Serializer):
    format = OneOf([*Format], default=Format.CSV)
    what = OneOf(["runs", "points"], default="runs", help_text="a row a run, or a row a point")
    runs = serializers.CharField(
        required=False, help_text=f"ids with commas between, at most {MAX_NAMED_RUNS}"
    )
    metric = serializers.ListField(
        child=serializers.CharField(max_length=250), required=False,
        help_text="of points: the names of metrics; all where none is given",
    )  # fmt: skip

    def validate_runs(self, text: str) -> list[str]:
        ids = [each.strip() for each in text.split(",") if each.strip()]
        if len(ids) > MAX_NAMED_RUNS:
            raise serializers.ValidationError(
                f"There are {len(ids)} runs; name at most {MAX_NAMED_RUNS}, or choose them by q "
                "and where."
            )
        return ids


class AnyFormat(DefaultContentNegotiation):
    """``format`` is this address's own, and not the one by which REST chooses a renderer."""

    def select_renderer(self, _request, renderers, _suffix=None):  # type: ignore[no-untyped-def]
        return renderers[0], renderers[0].media_type


class RunExport(ActorView, generics.GenericAPIView):
    http_method_names = ["get"]  # a HEAD would make the file, too
    queryset = Run.objects.none()
    filterset_class = RunFilter
    content_negotiation_class = AnyFormat
    pagination_class = None

    @extend_schema(
        parameters=[ExportQuery, *QUERY, *OF_EVERY_LIST],
        responses={(200, media): OpenApiTypes.BINARY for media in TYPES.values()},
    )
    def get(self, request: Request) -> HttpResponse | StreamingHttpResponse:
        """What a list of runs asks for, all of it, as a file that is sent while it is made."""
        query = ExportQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        as_format = Format(asked["format"])
        if as_format not in installed_formats():
            raise bad_field("format", as_format, NO_PARQUET)
        table = self._table(request, asked)
        name = f"{asked['what']}-{timezone.now():%Y%m%d-%H%M%S}.{as_format}"
        return streamed(
            written(table, as_format),
            headers={
                "Content-Type": TYPES[as_format],
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
            },
        )

    def _table(self, request: Request, asked: dict[str, list[str]]) -> Table:
        now = timezone.now()
        wanted = run_list(request.query_params, which=Which.ALL)
        if wanted.errors:
            raise ValidationError(wanted.errors)
        runs = wanted.chosen(self.filter_queryset(wanted.seen_by(self.actor)), now=now)
        if "runs" in asked:
            runs = runs.filter(pk__in=asked["runs"])
        ids = list(wanted.sorted(runs, now=now).values_list("pk", flat=True))
        if asked["what"] == "points":
            return points_of(ids, asked.get("metric", ()))
        try:
            return table_of(ids, wanted.columns, now=now)
        except TooWideError as error:
            raise Problem(400, str(error)) from error
