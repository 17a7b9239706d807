"""How a page of curves is looked at, kept in its address: nonsense there means the default."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from tracker.comparing.groups import ALL

CHARTS_MAX = 24  # on a page
SMOOTHEST = 0.999
AXES = {"step": "step", "time": "time of day", "relative": "time since the first point"}
BANDS = {"range": "least to most", "std": "± one standard deviation"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose; ``of`` is how many runs have it, 0 where that says nothing."""

    value: str
    label: str
    is_chosen: bool
    of: int = 0


@dataclass(frozen=True, slots=True)
class Controls:
    metrics: list[Choice]
    axes: list[Choice]
    bands: list[Choice]
    groupings: list[Choice]
    smoothing: float
    is_log: bool
    from_x: str
    to_x: str
    hidden: frozenset[str]  # ends of the ids of runs that are not drawn

    @property
    def drawn(self) -> list[str]:
        return [metric.value for metric in self.metrics if metric.is_chosen]


def controls_of(
    query: QueryDict, metrics: Iterable[tuple[str, int]], default: int, keys: Sequence[str] = ()
) -> Controls:
    """``metrics`` are names with how many runs have them; the first ``default`` are drawn where the
    address names none. ``keys`` are the settings to group by; without them there is no grouping."""
    metrics = list(metrics)
    named = set(query.getlist("metric")) & {name for name, _ in metrics}
    drawn = named or {name for name, _ in metrics[:default]}
    by = query.getlist("group_by")
    groups = {ALL: "same configuration, any seed"} | {f"{ALL}.{key}": key for key in keys}
    return Controls(
        metrics=[Choice(name, name, name in drawn, count) for name, count in metrics],
        axes=_choices(AXES, [query.get("x", "")]),
        bands=_choices(BANDS, [query.get("band", "")]),
        groupings=[Choice(value, label, value in by) for value, label in groups.items()],
        smoothing=min(max(_number(query.get("smoothing")) or 0.0, 0.0), SMOOTHEST),
        is_log="log" in query,
        from_x=_shown(query.get("from_x")),
        to_x=_shown(query.get("to_x")),
        hidden=frozenset(query.get("hidden", "").split(",")),
    )


def _choices(labels: dict[str, str], wanted: Sequence[str]) -> list[Choice]:
    """One of them is chosen: the first that is wanted, else the first of all."""
    chosen = next((value for value in wanted if value in labels), next(iter(labels)))
    return [Choice(value, label, value == chosen) for value, label in labels.items()]


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _shown(text: str | None) -> str:
    return "" if _number(text) is None else str(text)
