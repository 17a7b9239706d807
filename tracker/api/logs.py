"""The log of a run in short pieces: no request holds a thread while it waits for more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.base import ActorView, visible_or_404
from tracker.api.problems import Problem
from tracker.joblogs import STREAMS, open_run_log
from tracker.logs import LogUnreadable, read_before, read_piece, search

PIECE_BYTES = 65_536
# 404: there is nothing (yet); 403: there is, and it is not shown.
STATUS_BY_KIND = {"absent": 404}
OFFSET = {"min_value": 0, "max_value": 2**63 - 1}


class LogQuery(serializers.Serializer):
    stream = serializers.ChoiceField(STREAMS, default="out")
    start = serializers.IntegerField(required=False, **OFFSET)
    before = serializers.IntegerField(required=False, **OFFSET)


class SearchQuery(serializers.Serializer):
    stream = serializers.ChoiceField(STREAMS, default="out")
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


class HitShape(serializers.Serializer):
    offset = serializers.IntegerField()
    line = serializers.CharField()


class FoundShape(serializers.Serializer):
    hits = HitShape(many=True)
    next_start = serializers.IntegerField(allow_null=True, help_text="null: all was searched")
    scanned_bytes = serializers.IntegerField()


class LogView(ActorView):
    def read(self, run_id: str, stream: str, take: Callable[[BinaryIO], Any]) -> Any:
        runs = self.actor.runs().select_related("job__cluster", "submission", "created_by")
        run = visible_or_404(runs, "Run", pk=run_id)
        try:
            with open_run_log(run, stream, self.actor) as file:
                return take(file)
        except LogUnreadable as unreadable:
            status = STATUS_BY_KIND.get(unreadable.kind, 403)
            raise Problem(status, unreadable.message) from unreadable


class RunLog(LogView):
    @extend_schema(parameters=[LogQuery], responses=PieceShape)
    def get(self, request: Request, run_id: str) -> Response:
        query = LogQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data

        def take(file: BinaryIO) -> Any:
            if (end := asked.get("before")) is not None:
                return read_before(file, end=end, max_bytes=PIECE_BYTES)
            return read_piece(file, start=asked.get("start"), max_bytes=PIECE_BYTES)

        return Response(PieceShape(self.read(run_id, asked["stream"], take)).data)


class RunLogSearch(LogView):
    @extend_schema(parameters=[SearchQuery], responses=FoundShape)
    def get(self, request: Request, run_id: str) -> Response:
        query = SearchQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        found = self.read(
            run_id,
            asked["stream"],
            lambda file: search(
                file, asked["q"], start=asked["start"], ignore_case=asked["ignore_case"]
            ),
        )
        hits = [{"offset": hit.offset, "line": hit.line_text} for hit in found.hits]
        return Response(
            {"hits": hits, "next_start": found.next_start, "scanned_bytes": found.scanned_bytes}
        )
