"""The runs table folded: one row for a sweep, a parent, one configuration with all its seeds."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import Avg, Count, F, FilteredRelation, Max, Q, QuerySet
from django.http import QueryDict

from tracker.flat_config import flat, setting_words
from tracker.models import Run
from tracker.searching.columns import differing, offered
from tracker.searching.expressions import SettingText
from tracker.searching.keys import Key, Kind, QueryError, parse_key
from tracker.searching.lists import RunList
from tracker.searching.search import SERIES_FIELDS
from tracker.templatetags.queuecast import NOT_KNOWN, figure
from tracker.views.base import ROWS_PER_PAGE
from tracker.views.run_cells import column, link

FOLDS = {
    "start": "start (sweep or array)",
    "array": "array job",
    "parent": "parent run",
    "config": "settings, seeds together",
    "experiment": "experiment",
}
_PATHS = {
    "start": "submission_id",
    "array": "job__array_job_id",
    "parent": "parent_id",
    "config": "config_sha256",
    "experiment": "experiment_id",
}
_NUMBERED = ("start", "array", "experiment")
METRICS_SHOWN = 4
METRICS_MOST = 8
SETTINGS_SAID = 4
SAMPLE = 50  # newest runs, of which metrics are offered where none is chosen


@dataclass(frozen=True, slots=True)
class Folding:
    """``runs`` have ``fold`` where there is a ``by``, and are of one where the address names it."""

    runs: QuerySet[Run]
    by: str = ""
    is_folded: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Fold:
    label: str
    url: str  # its runs
    rows_url: str  # the same as rows below this one
    count: int
    states: list[tuple[str, int]]
    cells: list[tuple[str, str]]  # mean ± spread, and the range where there is one
    newest: Run


def unfolded(runs: QuerySet[Run], query: QueryDict) -> Folding:
    """``?group=`` says by what, ``?fold=`` of which fold the runs themselves are listed."""
    by = query.get("group", "").replace("\x00", "")
    if not by:
        return Folding(runs)
    if by in FOLDS:
        runs = runs.annotate(fold=F(_PATHS[by]))
    else:
        try:
            key = parse_key(by)
        except QueryError:
            key = None
        if key is None or key.kind is not Kind.CONFIG:
            error = f"“{by[:40]}” is none of {', '.join(FOLDS)}, and no setting such as config.lr."
            return Folding(runs.none(), error=error)
        runs = runs.annotate(fold=SettingText(key.name))
    if "fold" not in query:
        return Folding(runs, by, is_folded=True)
    value = query["fold"].replace("\x00", "")
    if by in _NUMBERED and value and not (value.isascii() and value.isdigit() and len(value) < 19):
        return Folding(runs.none(), by)
    return Folding(runs.filter(fold=value) if value else runs.filter(fold=None), by)


def folded(
    runs: QuerySet[Run], folding: Folding, wanted: RunList, query: QueryDict
) -> dict[str, object]:
    """Context of the folded table; folds by their newest run, or by the mean of a metric."""
    metrics = [key for key in wanted.columns if key.is_metric][:METRICS_MOST]
    metrics = metrics or offered(list(runs.order_by("-pk")[:SAMPLE]))[0][:METRICS_SHOWN]
    pages = Paginator(_in_order(runs, wanted), ROWS_PER_PAGE)
    pages.count = runs.order_by().values("fold").distinct().count()
    page = pages.get_page(query.get("page"))
    rows = list(page.object_list)
    of_page = runs.filter(_is_one_of([row["fold"] for row in rows]))
    states, figures = _states(of_page), _figures(of_page, metrics)
    newest = Run.objects.select_related("experiment", "submission", "parent").defer(
        "submission__script", "surroundings"
    ).in_bulk([row["newest"] for row in rows])  # fmt: skip
    labels = _labels(folding.by, [newest[row["newest"]] for row in rows], rows)
    page.object_list = [
        Fold(
            label=label,
            url=(url := link(query, fold="" if row["fold"] is None else row["fold"])),
            rows_url=f"{url}&part=rows&columns={_columns_text(metrics)}",
            count=row["run_count"],
            states=states[row["fold"]],
            cells=figures[row["fold"]],
            newest=newest[row["newest"]],
        )
        for row, label in zip(rows, labels, strict=True)
    ]
    return {"page": page, "columns": [column(key, wanted.sort, query) for key in metrics]}


def _in_order(runs: QuerySet[Run], wanted: RunList) -> QuerySet[Run, dict[str, object]]:
    of_runs = {"run_count": Count("pk"), "newest": Max("pk")}
    sort = wanted.sort
    if sort is None or not sort.key.is_metric:
        return runs.order_by().values("fold").annotate(**of_runs).order_by("-newest")
    runs, value = _joined(runs, sort.key, "sorted_row")
    rows = runs.order_by().values("fold").annotate(**of_runs, mean=Avg(value))
    mean = F("mean")
    by = mean.desc(nulls_last=True) if sort.descending else mean.asc(nulls_last=True)
    return rows.order_by(by, "-newest")


def _joined(runs: QuerySet[Run], key: Key, label: str) -> tuple[QuerySet[Run], str]:
    row = FilteredRelation("series", condition=Q(series__name=key.name))
    return runs.alias(**{label: row}), f"{label}__{SERIES_FIELDS[key.kind]}"


def _is_one_of(folds: Sequence[object]) -> Q:
    found = Q(fold__in=[fold for fold in folds if fold is not None])
    return found | Q(fold=None) if None in folds else found


def _states(runs: QuerySet[Run]) -> dict[object, list[tuple[str, int]]]:
    counts = runs.order_by().values("fold", "status").annotate(run_count=Count("pk"))
    states: dict[object, list[tuple[str, int]]] = defaultdict(list)
    for row in counts.order_by("-run_count", "status"):
        states[row["fold"]].append((row["status"], row["run_count"]))
    return states


def _figures(runs: QuerySet[Run], metrics: Sequence[Key]) -> dict[object, list[tuple[str, str]]]:
    """Of each metric over the runs of a fold: mean ± sample standard deviation, and the range.

    In Python, since SQLite has no deviation of its own, and Django's fails of a single value.
    """
    fields = []
    for place, key in enumerate(metrics):
        runs, field = _joined(runs, key, f"metric{place}")
        fields.append(field)
    values: dict[object, list[list[float]]] = defaultdict(lambda: [[] for _ in metrics])
    for fold, *some in runs.order_by().values_list("fold", *fields):
        of_fold = values[fold]
        for place, value in enumerate(some):
            if value is not None:
                of_fold[place].append(value)
    return {fold: [_shown(some) for some in of_fold] for fold, of_fold in values.items()}


def _shown(values: Sequence[float]) -> tuple[str, str]:
    if not values:
        return NOT_KNOWN, ""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return figure(mean), ""
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return f"{figure(mean)} ± {spread:.2g}", f"{min(values):.3g} to {max(values):.3g}"


def _labels(by: str, runs: Sequence[Run], rows: Iterable[dict[str, object]]) -> list[str]:
    """What the runs of each fold have in common, from one of them."""
    folds = [row["fold"] for row in rows]
    if by == "config":
        return _settings_words(runs)
    return [_label(by, run, fold) for run, fold in zip(runs, folds, strict=True)]


def _label(by: str, run: Run, fold: object) -> str:
    if fold is None:
        return {
            "start": "not started here",
            "array": "of no array",
            "parent": "without a parent",
        }.get(by, "not set")
    match by:
        case "start" if run.submission:
            job = run.submission.slurm_job_id
            return f"Start {fold}" + (f", job {job}" if job else "")
        case "array":
            return f"Array job {fold}"
        case "parent" if run.parent:
            return run.parent.name or f"Run {run.parent_id[-8:]}"
        case "experiment":
            return str(run.experiment)
    return str(fold)


def _settings_words(runs: Sequence[Run]) -> list[str]:
    """Of each configuration the settings in which it differs from others on the page."""
    names = [key.name for key in differing(runs, offered_settings(runs))]
    ends = Counter(name.rpartition(".")[2] for name in names)
    words = {name: end if ends[end := name.rpartition(".")[2]] == 1 else name for name in names}
    labels = []
    for run in runs:
        config = flat(run.config)
        said = [f"{words[name]} {_short(config.get(name))}" for name in names]
        more = f" and {len(said) - SETTINGS_SAID} more" if len(said) > SETTINGS_SAID else ""
        labels.append(", ".join(said[:SETTINGS_SAID]) + more or "the same settings")
    return labels


def offered_settings(runs: Sequence[Run]) -> list[Key]:
    names = dict.fromkeys(name for run in runs for name in flat(run.config))
    return [Key(Kind.CONFIG, name) for name in names]


def _short(value: object) -> str:
    return figure(value) if isinstance(value, float) else setting_words(value)[:30] or "not set"


def _columns_text(keys: Sequence[Key]) -> str:
    text = QueryDict(mutable=True)
    text["c"] = ",".join(str(key) for key in keys)
    return text.urlencode()[2:]
