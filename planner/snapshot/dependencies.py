"""Dependencies as squeue writes them, tied to the jobs of the snapshot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.sim.jobs import Dependency

_ITEM = re.compile(
    r"(?P<kind>[a-z]+)(?::(?P<job>[0-9]+)(?:_(?P<task>[0-9]+|\*))?(?:\+(?P<delay>[0-9]+))?)?"
    r"(?:\((?P<state>[a-z]+)\))?",
    re.ASCII,
)
_KINDS = {"after", "afterany", "afterok", "aftercorr", "singleton"}


@dataclass(frozen=True, slots=True)
class Ties:
    """What a job waits for; ``unknown`` in words where the model cannot tell when that is."""

    dependencies: tuple[Dependency, ...] = ()
    unknown: str | None = None


def ties_of(
    text: str,
    *,
    task: int | None,
    namesakes: Sequence[str],
    keys_by_id: Mapping[int, Sequence[str]],
) -> Ties:
    """``afterok:919(unfulfilled),afterany:1075_*(unfulfilled)``.

    ``namesakes``: keys that singleton waits for; ``keys_by_id``: those of every open job, an
    array's tasks under its id. Slurm drops a dependency once it is fulfilled, so one on a job that
    is not seen here is unknown, not met. Only open jobs can be tied, and they are taken to end
    well: what waits for a failure has no known date.
    """
    if "?" in text:
        return Ties(unknown=f"It waits for one of several jobs ({text}), which is not modelled.")
    found: list[Dependency] = []
    for item in text.split(","):
        shown = item.partition("(")[0].strip()
        match = _ITEM.fullmatch(item.strip())
        if match is None or match["kind"] not in _KINDS | {"afternotok"}:
            return Ties(unknown=f"It waits for {item!r}, which is not modelled.")
        if match["state"] == "failed":
            return Ties(unknown=f"It waits for {shown}, which can no longer happen.")
        kind = match["kind"]
        if kind == "afternotok":
            failing = shown.removeprefix("afternotok:")
            return Ties(unknown=f"It starts only if job {failing} fails, which no plan can tell.")
        if kind == "singleton":
            found.append(Dependency("afterany", tuple(namesakes)))
            continue
        keys = _keys(match, task, keys_by_id)
        if not keys:
            return Ties(unknown=f"It waits for {shown}, a job that is not in the queue seen here.")
        found.append(Dependency("afterok" if kind == "aftercorr" else kind, keys))
    return Ties(tuple(found))


def _keys(
    match: re.Match[str], task: int | None, keys_by_id: Mapping[int, Sequence[str]]
) -> tuple[str, ...]:
    keys = tuple(keys_by_id.get(int(match["job"] or 0), ()))
    wanted = match["task"]
    if match["kind"] == "aftercorr" and task is not None:
        wanted = str(task)
    if wanted is None or wanted == "*":
        return keys
    return tuple(key for key in keys if key.endswith(f"_{wanted}"))
