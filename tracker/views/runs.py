"""All runs that one may see; what is done to many of them; views of them that people keep."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from tracker.bulk import MOST, Deed, do_to_runs
from tracker.forms.runs import SavedViewForm, TagForm
from tracker.models import Actor, Experiment, SavedView
from tracker.recording import ConflictError
from tracker.views.base import actor_of
from tracker.views.run_table import rows_of_fold, table_of

DONE = {
    Deed.TAG: "tagged “{tag}”",
    Deed.UNTAG: "without the tag “{tag}”",
    Deed.ARCHIVE: "archived: listed under Archived, with everything kept",
    Deed.UNARCHIVE: "taken out of the archive",
    Deed.DELETE: "deleted: listed under Deleted, and restored there until the purge",
    Deed.RESTORE: "restored",
}


@require_safe
@login_required
def runs(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    if part := part_of_table(request, actor):
        return part
    return render(request, "tracker/runs.html", {"section": "runs", **table_of(request, actor)})


def part_of_table(
    request: HttpRequest, actor: Actor, experiment: Experiment | None = None
) -> HttpResponse | None:
    """What a script asks for to swap in: the list anew, or the rows of one fold."""
    if not request.htmx or request.htmx.history_restore_request:
        return None
    if request.GET.get("part") == "rows":
        context = rows_of_fold(request, actor, experiment)
        return render(request, "tracker/_runs_fold_rows.html", context)
    if request.htmx.target != "runs-list":
        return None
    response = render(request, "tracker/_runs_list.html", table_of(request, actor, experiment))
    said = [(name, one) for name, some in request.GET.lists() for one in some if one]
    query = QueryDict(mutable=True)
    for name, one in said:
        query.appendlist(name, one)
    response["HX-Push-Url"] = f"{request.path}?{query.urlencode()}".rstrip("?")
    return response


@require_POST
@login_required
def runs_bulk(request: HttpRequest) -> HttpResponse:
    """The bar above the table: one deed on the runs that are ticked, or a look at them together."""
    ids = request.POST.getlist("runs")[:MOST]
    back = redirect(_next(request))
    if not ids:
        messages.warning(request, "No run was ticked.")
        return back
    wish = request.POST.get("deed", "")
    if wish == "compare":
        return redirect(f"{reverse('compare')}?runs={','.join(ids)}")
    if wish not in [*Deed]:
        messages.error(request, "Choose what to do with the runs.")
        return back
    name = value = ""
    if wish in (Deed.TAG, Deed.UNTAG):
        form = TagForm(request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(form.errors["tag"]))
            return back
        name, value = form.cleaned_data["tag"]
    try:
        changed = do_to_runs(
            Deed(wish), ids,
            actor=actor_of(request), at=timezone.now(), tag=name, value=value,
        )  # fmt: skip
    except (Http404, PermissionDenied) as refusal:
        messages.error(request, f"Nothing was done. {refusal}")
    except ConflictError as conflict:
        messages.error(request, f"Nothing was done. {conflict.sentence}")
    else:
        done = DONE[Deed(wish)].format(tag=name)
        messages.success(request, f"{changed} run{pluralize(changed)} {done}.")
    return back


@require_POST
@login_required
def view_save(request: HttpRequest) -> HttpResponse:
    """The present view of the table under a name; the same name again is replaced."""
    actor = actor_of(request)
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(error for some in form.errors.values() for error in some))
        return redirect(_next(request))
    experiment = None
    if pk := request.POST.get("experiment"):
        experiment = get_object_or_404(actor.experiments(), pk=_number(pk))
    query = QueryDict(form.cleaned_data["query"], mutable=True)
    query.pop("page", None)
    view, is_new = SavedView.objects.update_or_create(
        owner=request.user,
        experiment=experiment,
        name=form.cleaned_data["name"],
        defaults={"query": query.urlencode()},
    )
    messages.success(request, f"The view “{view}” is {'kept' if is_new else 'replaced'}.")
    return redirect(_next(request))


@require_POST
@login_required
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, pk=pk, owner=request.user)
    view.delete()
    messages.success(request, f"The view “{view}” is gone; the runs are as they were.")
    return redirect(_next(request))


def _number(text: str) -> int:
    """Of a row; 0, which none has, for what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _next(request: HttpRequest) -> str:
    """The page that the form was on."""
    address = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, None) and address.startswith("/")
    return address if is_ours else reverse("runs")
