"""What people say about one run on its page: name and notes, tags, put aside, deleted."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from tracker import recording
from tracker.bulk import Deed, do_to_runs
from tracker.forms.runs import RunWordsForm, TagForm
from tracker.models import Actor, Run
from tracker.recording import ConflictError
from tracker.views.base import actor_of, editable_experiment
from tracker.views.run import visible_run

SAID = {
    Deed.ARCHIVE: "The run is archived: listed under Archived, with everything kept.",
    Deed.UNARCHIVE: "The run is taken out of the archive.",
    Deed.DELETE: "Run {run} is deleted: listed under Deleted, and restored there until the purge.",
}


@require_POST
@login_required
def run_words(request: HttpRequest, pk: str) -> HttpResponse:
    """Which button was pressed says what: save, tag, untag, archive, unarchive or delete."""
    actor, sent = actor_of(request), request.POST
    run = visible_run(actor, pk)
    editable_experiment(actor, run.experiment_id)
    if sent.get("deed") in SAID:
        return _put_aside(request, run, actor, Deed(sent["deed"]))
    if "save" in sent:
        form = RunWordsForm(sent, instance=Run.objects.get(pk=run.pk))
    else:
        form = TagForm({"tag": sent.get("untag") or sent.get("tag", "")})
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(errors))
    elif "save" in sent:
        recording.describe_run(run, actor=actor, **form.cleaned_data)
    else:
        name, value = form.cleaned_data["tag"]
        recording.tag_runs([run], {name: None if "untag" in sent else value}, actor=actor)
    return redirect(run)


def _put_aside(request: HttpRequest, run: Run, actor: Actor, deed: Deed) -> HttpResponse:
    try:
        do_to_runs(deed, [run.pk], actor=actor, at=timezone.now())
    except ConflictError as conflict:
        messages.error(request, f"It was not deleted. {conflict.sentence}")
        return redirect(run)
    messages.success(request, SAID[deed].format(run=run.pk[-8:]))
    return redirect(run.experiment if deed is Deed.DELETE else run)
