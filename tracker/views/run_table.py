"""The runs table, of all runs or of one experiment's: what it lists, its columns, its pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from tracker.models import Actor, Experiment, Run, SavedView, Submission
from tracker.searching.columns import Values, differing, offered, tags_of, values_of
from tracker.searching.keys import Key, parse_key
from tracker.searching.lists import RunList, Which, run_list
from tracker.views.base import ROWS_PER_PAGE
from tracker.views.run_cells import cell, column, link
from tracker.views.run_folds import FOLDS, folded, unfolded
from tracker.views.run_rows import with_newest_estimate

FIXED = ("name", "experiment", "status", "seed", "job", "waited_s", "duration_s")
METRICS_SHOWN = 4
SETTINGS_SHOWN = 2
OFFERED = 60  # of metrics and of settings each, to choose columns from


@dataclass(frozen=True, slots=True)
class Row:
    run: Run
    tags: list[tuple[str, str]]
    cells: list[str]  # of the columns that are chosen

    @property
    def purged_at(self) -> datetime | None:
        """Of a deleted run: from when on it cannot be restored."""
        keep = timedelta(days=settings.DELETED_RUN_KEEP_DAYS)
        return self.run.deleted_at and self.run.deleted_at + keep


def table_of(
    request: HttpRequest, actor: Actor, experiment: Experiment | None = None
) -> dict[str, object]:
    """Context of ``_runs.html``."""
    now, query = timezone.now(), request.GET
    wanted = run_list(query)
    runs = wanted.seen_by(actor)
    if experiment:
        runs = runs.filter(experiment=experiment)
    context: dict[str, object] = {
        "wanted": wanted,
        "now": now,
        "experiment": experiment,
        "may_edit_runs": _may_edit(actor, experiment),
        "which": [(one, link(QueryDict(), which=one)) for one in Which if one is not Which.ALL],
        "groups": FOLDS,
        "group": query.get("group", ""),
        "kept": _kept(query),
        "shown_query": link(query)[1:],
        "views": _views(actor, experiment),
    }
    of_fold = unfolded(wanted.of_any_status().chosen(runs, now=now), query)
    if of_fold.error:
        wanted.errors["group"] = of_fold.error
    counts = Counter(dict(_status_counts(of_fold.runs)))
    chosen = of_fold.runs
    if wanted.statuses:
        chosen = chosen.filter(status__in=wanted.statuses)
    context |= {
        "fold": of_fold,
        "chips": _chips(wanted, counts, query),
        "count": sum(counts[status] for status in wanted.statuses or counts),
    }
    if of_fold.is_folded:
        return context | folded(chosen, of_fold, wanted, query)
    pages = Paginator(wanted.sorted(chosen, now=now), ROWS_PER_PAGE)
    pages.count = context["count"]
    return (
        context
        | _rows(pages.get_page(query.get("page")), wanted, query, now=now)
        | {"fixed": {name: column(parse_key(name), wanted.sort, query) for name in FIXED}}
    )


def _listed(runs: QuerySet[Run]) -> list[Run]:
    """With all that rows show; prefetched and not joined, since a page's runs share most of it."""
    # Only ids are sorted: rows with their configurations would go through the sort as well.
    ids = list(runs.values_list("pk", flat=True))
    submissions = Prefetch("submission", Submission.objects.defer("script"))
    rows = Run.objects.defer("surroundings", "notes").prefetch_related(
        "experiment", "cluster", "job", "created_by", submissions
    )
    found = with_newest_estimate(rows).in_bulk(ids)
    return [found[run_id] for run_id in ids if run_id in found]


def _rows(page: Page, wanted: RunList, query: QueryDict, *, now: datetime) -> dict[str, object]:
    listed = _listed(page.object_list)
    metrics, of_config = offered(listed)
    by_itself = [*metrics[:METRICS_SHOWN], *differing(listed, of_config)[:SETTINGS_SHOWN]]
    shown = wanted.columns or tuple(dict.fromkeys([*_asked_about(wanted), *by_itself]))
    ids = [run.pk for run in listed]
    values, tags = values_of(ids, shown, now=now), tags_of(ids)
    page.object_list = [Row(run, tags[run.pk], _cells(shown, values[run.pk])) for run in listed]
    return {
        "page": page,
        "columns": [column(key, wanted.sort, query) for key in shown],
        "choices": _choices([*metrics[:OFFERED], *of_config[:OFFERED]], shown),
        "default_columns": link(query, columns=None),
        "listed_ids": ",".join(ids),
    }


def _asked_about(wanted: RunList) -> list[Key]:
    """What the filter and the sort speak of, and no fixed column shows."""
    keys = [clause.key for clause in wanted.where] + ([wanted.sort.key] if wanted.sort else [])
    fixed = [parse_key(name) for name in (*FIXED, "tag", "created_at")]
    return [key for key in keys if key not in fixed]


def _cells(shown: Sequence[Key], values: Values) -> list[str]:
    return [cell(key, values.get(str(key))) for key in shown]


def _choices(of_rows: Sequence[Key], shown: Sequence[Key]) -> list[tuple[Key, bool]]:
    """Columns to choose from, those that are shown first."""
    attributes = [parse_key(name) for name in ("user", "cluster", "created_at", "started_at",
                  "ended_at", "exit_code", "attempt")]  # fmt: skip
    rest = [key for key in (*of_rows, *attributes) if key not in shown]
    return [*((key, True) for key in shown), *((key, False) for key in rest)]


def rows_of_fold(
    request: HttpRequest, actor: Actor, experiment: Experiment | None = None
) -> dict[str, object]:
    """Context of ``_runs_fold_rows.html``: the runs of one fold, below its row."""
    now, wanted = timezone.now(), run_list(request.GET)
    runs = wanted.chosen(wanted.seen_by(actor), now=now)
    if experiment:
        runs = runs.filter(experiment=experiment)
    runs = unfolded(runs, request.GET).runs
    listed = list(wanted.sorted(runs, now=now)[: ROWS_PER_PAGE + 1])
    values = values_of([run.pk for run in listed], wanted.columns, now=now)
    rows = [Row(run, [], _cells(wanted.columns, values[run.pk])) for run in listed[:ROWS_PER_PAGE]]
    more = link(request.GET, part=None) if len(listed) > ROWS_PER_PAGE else ""
    return {"rows": rows, "more": more}


def _status_counts(runs: QuerySet[Run]) -> list[tuple[str, int]]:
    return list(runs.order_by().values_list("status").annotate(Count("pk")))


def _chips(wanted: RunList, counts: Counter[str], query: QueryDict) -> list[dict[str, object]]:
    """A link for each state that there is, which takes it in or out."""
    chips = []
    for status in Run.Status.values:
        is_on = status in wanted.statuses
        if not (counts[status] or is_on):
            continue
        others = [one for one in wanted.statuses if one != status]
        chips.append({
            "status": status, "count": counts[status], "is_on": is_on,
            "url": link(query, status=others if is_on else [*others, status]),
        })  # fmt: skip
    return chips


def _kept(query: QueryDict) -> list[tuple[str, str]]:
    """What the search form sends along, beside its own fields."""
    own = ("q", "where", "group", "page", "fold")
    return [(name, one) for name, some in query.lists() if name not in own for one in some if one]


def _may_edit(actor: Actor, experiment: Experiment | None) -> bool:
    experiments = actor.editable_experiments()
    return (experiments.filter(pk=experiment.pk) if experiment else experiments).exists()


def _views(actor: Actor, experiment: Experiment | None) -> list[SavedView]:
    return list(SavedView.objects.filter(owner=actor.user, experiment=experiment))
