"""The forms of the start page, and what they come to: a preview, or runs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import count

from django.http import HttpRequest

from tracker import submission, tasks
from tracker.forms import ResourceRequestForm, StartForm
from tracker.models import Actor, Experiment, ResourceRequest, Run, Submission
from tracker.recording import ConflictError
from tracker.slurm.batch import BatchOptions
from tracker.slurm.door import submit_argv
from tracker.submission.planning import requested
from tracker.submission.starting import VARIABLES
from tracker.views.start_places import Place
from tracker.views.start_prefill import differences, given_key, prefilled


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent, but for the ids of the runs."""

    run_count: int
    script: str
    command: str


class Asked:
    """``runs`` and ``request`` are the forms: filled in, or to be filled in. ``differences`` are
    those that the page's address makes."""

    def __init__(
        self,
        request: HttpRequest,
        *,
        actor: Actor,
        experiment: Experiment,
        place: Place,
        model: Run | None,
    ) -> None:
        self.actor, self.experiment, self.place = actor, experiment, place
        data = request.POST if request.method == "POST" else None
        known = ResourceRequest.objects.filter(experiment=experiment, cluster=place.cluster)
        asks = known.first() or ResourceRequest(experiment=experiment, cluster=place.cluster)
        runs, options = _as_before(model) if model else ({}, {})
        given = prefilled(request)
        self.runs = StartForm(data, initial=runs | given_key(request))
        self.request = ResourceRequestForm(
            data, prefix="ask", instance=asks, initial=options | given
        )
        self.differences = differences(experiment, place.cluster, self.request, given)

    def is_valid(self) -> bool:
        if all([self.runs.is_valid(), self.request.is_valid()]):
            self._refuse_emptied()
        return not self.has_errors()

    def has_errors(self) -> bool:
        return bool(self.runs.errors or self.request.errors)

    def preview(self) -> Preview:
        if self.place.why_not:
            raise ConflictError("cluster", self.place.why_not)
        numbers = count(1)
        plan = submission.plan_start(
            self.experiment,
            self.place.cluster,
            self.actor.unix_name(self.place.cluster) or "",
            self._wish(),
            lambda: f"{next(numbers):032x}",
        )
        argv = submit_argv(plan.options, dict.fromkeys(VARIABLES, ""))
        return Preview(len(plan.runs), plan.script, shlex.join(argv))

    def start(self) -> tuple[Submission, bool]:
        return submission.start(
            self.experiment,
            actor=self.actor,
            cluster=self.place.cluster,
            wish=self._wish(),
            key=self.runs.cleaned_data["key"],
            ring=tasks.ring_for_submission,
        )

    def tell(self, conflict: ConflictError) -> None:
        """At the field that can cure it, else on top."""
        for form in (self.runs, self.request):
            if conflict.field in form.fields:
                form.add_error(conflict.field, conflict.sentence)
                return
        self.runs.add_error(None, conflict.sentence)

    def _wish(self) -> submission.Wish:
        given = self.runs.cleaned_data
        return submission.Wish(
            seeds=given["seeds"],
            configs=given["configs"],
            options=BatchOptions(**self.request.cleaned_data),
            at_once=given["at_once"],
        )

    def _refuse_emptied(self) -> None:
        """An empty field means what the experiment asks for: whoever empties one is told so."""
        standing = requested(self.experiment, self.place.cluster)
        for name, value in self.request.cleaned_data.copy().items():
            asks = getattr(standing, name)
            if value in (None, "") and asks not in (None, ""):
                self.request.add_error(
                    name,
                    f"The experiment asks for {asks} here, and that stays where this is empty. "
                    "Give another value, or edit the experiment.",
                )


def _as_before(run: Run) -> tuple[dict[str, object], dict[str, object]]:
    """What the forms are filled with to start this run once more."""
    seeds = "" if run.seed is None else str(run.seed)
    options = dict(run.submission.request) if run.submission else {}
    options.pop("array", None)  # the run was one task of it
    return {"seeds": seeds, "configs": run.config or ""}, options
