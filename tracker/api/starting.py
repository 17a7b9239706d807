"""Start, adopt, cancel and start again over REST: what the pages' buttons do too."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker import recording, submission, tasks
from tracker.api.base import ActorView, visible_or_404
from tracker.models import Actor, Cluster, Experiment, Run, Submission
from tracker.slurm.batch import BatchOptions
from tracker.slurm.durations import parse_minutes
from tracker.submission.starting import cluster_to_start_on

COUNTS = ("nodes", "ntasks", "cpus_per_task", "time_limit_minutes")
OPTION_NAMES = sorted({field.name for field in fields(BatchOptions)} - {"others", "comment"})
INT64 = {"min_value": -(2**63), "max_value": 2**63 - 1}


class OptionsField(serializers.DictField):
    """sbatch's options by name, with dashes or underscores; ``time`` as sbatch takes it."""

    def to_internal_value(self, data: Any) -> BatchOptions:
        options: dict[str, Any] = {}
        for given, value in super().to_internal_value(data).items():
            name = "time_limit_minutes" if given == "time" else given.replace("-", "_")
            if name not in OPTION_NAMES:
                raise serializers.ValidationError(
                    f"{given[:60]} is no option here: give some of {', '.join(OPTION_NAMES)}."
                )
            options[name] = _value(given, name, value)
        return BatchOptions(**options)


def _value(given: str, name: str, value: Any) -> str | int | None:
    if name not in COUNTS:
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise serializers.ValidationError(f"{given} is {value!r}: give text.")
        return str(value)
    try:
        number = parse_minutes(str(value)) if given == "time" else int(value)
    except (TypeError, ValueError):
        number = None
    if number is None or not 1 <= number < 2**31:
        raise serializers.ValidationError(
            f"{given} is {str(value)[:60]!r}: give a whole number from 1, or a limit as 2:00:00."
        )
    return int(number)


class KeySerializer(serializers.Serializer):
    key = serializers.CharField(
        max_length=64, help_text="The asker's own: a repeat with the same key starts nothing new."
    )


class ClusterChoice(serializers.Serializer):
    cluster = serializers.SlugRelatedField(
        "name", queryset=Cluster.objects.all(), allow_null=True, required=False
    )


class StartSerializer(KeySerializer, ClusterChoice):
    seeds = serializers.ListField(
        child=serializers.IntegerField(**INT64), required=False, max_length=submission.MAX_RUNS
    )
    configs = serializers.ListField(
        child=serializers.DictField(), required=False, max_length=submission.MAX_RUNS
    )
    request = OptionsField(required=False, help_text="In place of what the experiment asks for.")
    at_once = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=1000)


class AdoptSerializer(ClusterChoice):
    slurm_job_id = serializers.CharField(max_length=40, help_text="828, or 12_3 of an array")


class DecisionSerializer(serializers.Serializer):
    slurm_job_id = serializers.IntegerField(
        allow_null=True, min_value=1, max_value=2**32 - 1, help_text="null: there is none; send it."
    )


class StartedRunShape(serializers.Serializer):
    run_id = serializers.CharField()
    status = serializers.CharField()
    seed = serializers.IntegerField(allow_null=True)
    array_task_id = serializers.IntegerField(allow_null=True)


class StartedShape(serializers.Serializer):
    submission_id = serializers.IntegerField()
    state = serializers.CharField()
    runs = StartedRunShape(many=True)


class AdoptedShape(serializers.Serializer):
    run_id = serializers.CharField()


class CancelledShape(serializers.Serializer):
    runs = serializers.IntegerField()


class ActingView(ActorView):
    """A deed on a cluster: for sessions and user tokens, never for the token of a run."""

    def editable(self, pk: int) -> Experiment:
        experiment = visible_or_404(self.actor.experiments(), "Experiment", pk=pk)
        if not self.actor.editable_experiments().filter(pk=pk).exists():
            raise PermissionDenied(
                f"You may see experiment {pk}, and not start or change its runs."
            )
        return experiment

    def own_run(self, run_id: str) -> Run:
        runs = self.actor.runs().select_related("cluster", "job", "submission", "experiment")
        run = visible_or_404(runs, "Run", pk=run_id)
        self.editable(run.experiment_id)
        return run


class ExperimentStart(ActingView):
    @extend_schema(request=StartSerializer, responses={202: StartedShape, 200: StartedShape})
    def post(self, request: Request, experiment_id: int) -> Response:
        experiment = self.editable(experiment_id)
        asked = StartSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        wish = submission.Wish(
            seeds=tuple(given.get("seeds", ())),
            configs=tuple(given.get("configs", ())),
            options=given.get("request", BatchOptions()),
            at_once=given.get("at_once"),
        )
        started, is_new = submission.start(
            experiment,
            actor=self.actor,
            cluster=cluster_to_start_on(experiment, given.get("cluster")),
            wish=wish,
            key=given["key"],
            ring=tasks.ring_for_submission,
        )
        return Response(_shown(started), status=202 if is_new else 200)


class ExperimentAdopt(ActingView):
    @extend_schema(request=AdoptSerializer, responses={201: AdoptedShape, 200: AdoptedShape})
    def post(self, request: Request, experiment_id: int) -> Response:
        experiment = self.editable(experiment_id)
        asked = AdoptSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        cluster = cluster_to_start_on(experiment, asked.validated_data.get("cluster"))
        run, is_new = submission.adopt_job(
            experiment,
            actor=self.actor,
            cluster=cluster,
            shown_id=asked.validated_data["slurm_job_id"],
            now=timezone.now(),
            ring=tasks.ring_for_hints,
        )
        return Response({"run_id": run.pk}, status=201 if is_new else 200)


class RunCancel(ActingView):
    @extend_schema(request=None, responses={202: CancelledShape})
    def post(self, _request: Request, run_id: str) -> Response:
        run = self.own_run(run_id)
        submission.ask_cancel(
            run, actor=self.actor, now=timezone.now(), ring=tasks.ring_for_cancels
        )
        return Response({"runs": 1}, status=202)


class RunsCancelMine(ActingView):
    @extend_schema(request=ClusterChoice, responses={202: CancelledShape})
    def post(self, request: Request) -> Response:
        asked = ClusterChoice(data=request.data)
        asked.is_valid(raise_exception=True)
        named = asked.validated_data.get("cluster")
        count = sum(
            submission.ask_cancel_all(
                self.actor, cluster, now=timezone.now(), ring=tasks.ring_for_cancels
            )
            for cluster in ([named] if named else own_clusters(self.actor))
        )
        return Response({"runs": count}, status=202)


class RunStartAgain(ActingView):
    @extend_schema(request=KeySerializer, responses={202: StartedShape, 200: StartedShape})
    def post(self, request: Request, run_id: str) -> Response:
        run = self.own_run(run_id)
        asked = KeySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        started, is_new = submission.start_again(
            run,
            actor=self.actor,
            key=asked.validated_data["key"],
            ring=tasks.ring_for_submission,
        )
        return Response(_shown(started), status=202 if is_new else 200)


class RunDecide(ActingView):
    @extend_schema(request=DecisionSerializer, responses={202: StartedShape})
    def post(self, request: Request, run_id: str) -> Response:
        run = self.own_run(run_id)
        asked = DecisionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        if run.submission is None:
            raise recording.ConflictError("run", f"{run_id} was not started here")
        submission.decide_unclear(
            run.submission,
            actor=self.actor,
            job_id=asked.validated_data["slurm_job_id"],
            at=timezone.now(),
            ring=tasks.ring_for_submission,
        )
        run.submission.refresh_from_db()
        return Response(_shown(run.submission), status=202)


def own_clusters(actor: Actor) -> list[Cluster]:
    """Those where the actor is somebody."""
    return [cluster for cluster in actor.clusters() if actor.unix_name(cluster)]


def _shown(started: Submission) -> dict[str, Any]:
    runs = started.runs.order_by("array_task_id", "pk")
    return {
        "submission_id": started.pk,
        "state": started.state,
        "runs": [
            {
                "run_id": run.pk,
                "status": run.status,
                "seed": run.seed,
                "array_task_id": run.array_task_id,
            }
            for run in runs
        ],
    }
