"""The log of a run in short pieces: no request holds a thread while it waits for more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import BinaryIO, TypeVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.base import ActorView, visible_or_404
from tracker.api.problems import Problem
from tracker.api.shapes import OneOf
from tracker.files.job_logs import STREAMS, open_run_log, path_of
from tracker.logs import Piece, Unreadable, read_before, read_piece, search
from tracker.logs.unreadable import shown
from tracker.models import Run

T = TypeVar("T")

PIECE_BYTES = 65_536
# 404: there is nothing (yet); 403: there is, and it is not shown.
STATUS_BY_KIND = {"absent": 404}
OFFSET = {"min_value": 0, "max_value": 2**63 - 1}


class LogQuery(serializers.Serializer):
    stream = OneOf(STREAMS, default="out")
    start = serializers.IntegerField(required=False, **OFFSET)
    before = serializers.IntegerField(required=False, **OFFSET)


class SearchQuery(serializers.Serializer):
    stream = OneOf(STREAMS, default="out")
    q = serializers.CharField(max_length=1_000, trim_whitespace=False)
    start = serializers.IntegerField(default=0, **OFFSET)
    ignore_case = serializers.BooleanField(default=False)


class PieceShape(serializers.Serializer):
    text = serializers.CharField()
    start = serializers.IntegerField(help_text="byte offset of the text's first character")
    end = serializers.IntegerField(help_text="ask for what follows with start=END")
    size = serializers.IntegerField(help_text="of the whole file")
    truncated = serializers.BooleanField(help_text="the file is shorter than it was")
    modified_at = serializers.FloatField(help_text="epoch seconds")
    path = serializers.CharField()
    is_open = serializers.BooleanField(help_text="the run has not ended: more may come")


class HitShape(serializers.Serializer):
    offset = serializers.IntegerField()
    line = serializers.CharField()


class FoundShape(serializers.Serializer):
    hits = HitShape(many=True)
    next_start = serializers.IntegerField(allow_null=True, help_text="null: all was searched")
    scanned_bytes = serializers.IntegerField()


class LogView(ActorView):
    def run_or_404(self, run_id: str) -> Run:
        runs = self.actor.runs().select_related("job__cluster", "submission", "created_by")
        return visible_or_404(runs, "Run", pk=run_id)

    def read(self, run: Run, stream: str, take: Callable[[BinaryIO], T]) -> T:
        """What ``take`` makes of the file; a Problem with the reason where it is not shown."""
        try:
            with open_run_log(run, stream, self.actor) as file:
                return take(file)
        except Unreadable as unreadable:
            status = STATUS_BY_KIND.get(unreadable.kind, 403)
            raise Problem(status, unreadable.message) from unreadable


AS_TEXT = OpenApiParameter("as", enum=["text"], description="the end of it as text/plain")


class RunLog(LogView):
    @extend_schema(parameters=[LogQuery, AS_TEXT], responses=PieceShape)
    def get(self, request: Request, run_id: str) -> HttpResponse:
        query = LogQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        run = self.run_or_404(run_id)

        def take(file: BinaryIO) -> Piece:
            if (end := asked.get("before")) is not None:
                return read_before(file, end=end, max_bytes=PIECE_BYTES)
            return read_piece(file, start=asked.get("start"), max_bytes=PIECE_BYTES)

        piece = self.read(run, asked["stream"], take)
        if request.query_params.get("as") == "text":
            return HttpResponse(piece.text, content_type="text/plain; charset=utf-8")
        path = shown(path_of(run, asked["stream"], self.actor))
        return Response({**asdict(piece), "path": path, "is_open": run.is_open})


class RunLogSearch(LogView):
    @extend_schema(parameters=[SearchQuery], responses=FoundShape)
    def get(self, request: Request, run_id: str) -> Response:
        query = SearchQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        found = self.read(
            self.run_or_404(run_id),
            asked["stream"],
            lambda file: search(
                file, asked["q"], start=asked["start"], ignore_case=asked["ignore_case"]
            ),
        )
        hits = [{"offset": hit.offset, "line": hit.line_text} for hit in found.hits]
        return Response(
            {"hits": hits, "next_start": found.next_start, "scanned_bytes": found.scanned_bytes}
        )
