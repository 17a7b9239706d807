"""The same job in another shape: a shorter limit, less or more of what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, log2
from typing import Literal

from planner.advice.runs import OwnRun
from planner.asking.request import Request

Field = Literal["limit_minutes", "gpus", "nodes", "cpus", "mem_mib", "qos", "partition", "gpu_type"]
Of = Literal["start", "finish"]

# Minutes that people ask for.
STEPS = (
    *(10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 600, 720, 960),
    *(days * 1440 for days in (1, 1.5, 2, 3, 4, 5, 7, 10, 14, 21, 30)),
)
SAFE = 0.9  # of its runs are over within a limit that is advised
BLIND = 4  # no limit below a quarter of the one asked for where nothing is known of its runs
MOST_LIMITS = 6
# What giving up half of it costs, beside half the limit: the job then runs otherwise, or not.
COSTS = {"limit_minutes": 1.0, "mem_mib": 1.0, "cpus": 2.0, "nodes": 2.0, "gpus": 3.0}


@dataclass(frozen=True, slots=True)
class Shape:
    """A request that differs in one field, and in what goes along with it."""

    field: Field
    before: int
    after: int
    request: Request
    gain_of: Of
    condition: str  # in words, to follow "if"; "": none

    @property
    def runs_alike(self) -> bool:
        """As long as before."""
        return self.field in ("limit_minutes", "mem_mib")

    @property
    def size(self) -> float:
        return COSTS[self.field] * abs(log2(self.after / self.before))


def limits(limit_minutes: int, longest_minutes: float, run: OwnRun) -> list[int]:
    """Shorter ones that the job most likely keeps, and that are allowed; the longest first.

    Of a job whose runs are not known any that is not much shorter: its user may know.
    """
    safe_s = run.at(SAFE)
    least = limit_minutes / BLIND if safe_s is None else safe_s / 60
    shorter = [
        int(step) for step in STEPS if least <= step < limit_minutes and step <= longest_minutes
    ]
    if limit_minutes > longest_minutes >= least:
        shorter.append(int(longest_minutes))
    chosen = sorted(set(shorter), reverse=True)
    every = max(1, ceil(len(chosen) / MOST_LIMITS))
    return chosen[::every]


def shapes(request: Request) -> Iterator[Shape]:
    """All that make sense of it by itself; whether they are allowed, a partition decides."""
    yield from _gpus(request)
    yield from _nodes(request)
    if request.cpus > 1:
        fewer = (request.cpus + 1) // 2
        yield _shape("cpus", request, "it runs on fewer cores", cpus=fewer)
    if request.mem_mib and request.mem_mib > 1:
        less_mib = (request.mem_mib + 1) // 2
        yield _shape("mem_mib", request, "it fits into less memory", mem_mib=less_mib)


def _gpus(request: Request) -> Iterator[Shape]:
    """Half and twice as many, cores and memory in proportion; over half as many nodes where there
    are several."""
    gpus, nodes = request.gpus, request.nodes
    if gpus and gpus % 2 == 0 and (nodes == 1 or nodes % 2 == 0):
        halved = _by_nodes(request, 1, 2) if nodes > 1 else _on_one_node(request, 1, 2)
        yield _shape("gpus", request, "it runs on fewer GPUs", gpus=gpus // 2, **halved)
    if gpus:
        doubled = _by_nodes(request, 2, 1) if nodes > 1 else _on_one_node(request, 2, 1)
        yield _shape("gpus", request, "it scales to more GPUs", gpus=gpus * 2, **doubled)


def _by_nodes(request: Request, times: int, parts: int) -> dict[str, int]:
    """Each node as before."""
    tasks = max(1, request.ntasks * times // parts)
    return {"nodes": request.nodes * times // parts, "ntasks": tasks}


def _on_one_node(request: Request, times: int, parts: int) -> dict[str, int]:
    """Tasks go with the GPUs where there is one for each, cores elsewhere; memory always."""
    scaled: dict[str, int] = {}
    if request.ntasks == request.gpus:
        scaled["ntasks"] = request.ntasks * times // parts
    else:
        scaled["cpus"] = ceil(request.cpus * times / parts)
    if request.mem_mib and not request.mem_per_cpu:
        scaled["mem_mib"] = ceil(request.mem_mib * times / parts)
    return scaled


def _nodes(request: Request) -> Iterator[Shape]:
    """The same in all, over half or twice as many nodes. Of a request that leaves the place of its
    tasks to Slurm's default this fixes it."""
    nodes, tasks, gpus = request.nodes, request.ntasks, request.gpus
    mem_mib = None if request.mem_per_cpu else request.mem_mib
    if nodes % 2 == 0:
        fewer: dict[str, int] = {"nodes": nodes // 2}
        if mem_mib:
            fewer["mem_mib"] = mem_mib * 2
        yield _shape("nodes", request, "its tasks may share nodes", **fewer)
    if tasks >= 2 * nodes and tasks % (2 * nodes) == 0 and gpus % (2 * nodes) == 0:
        more: dict[str, int] = {"nodes": nodes * 2}
        if mem_mib:
            more["mem_mib"] = ceil(mem_mib / 2)
        yield _shape("nodes", request, "it runs over more nodes", **more)


def _shape(field: Field, request: Request, condition: str, **changed: int) -> Shape:
    other = replace(request, **changed)  # type: ignore[arg-type]
    before, after = getattr(request, field), getattr(other, field)
    return Shape(field, before, after, other, "start", condition)
