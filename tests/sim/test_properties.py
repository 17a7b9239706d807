"""Random worlds against slow, obvious checks of what must never and what must always happen."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings

from planner.sim.cluster import World
from planner.sim.engine import Simulation
from planner.sim.results import plan
from planner.sim.views import EndedJob, RunningJob
from tests.sim.strategies import plain_worlds, worlds

LONG_S = 8_000.0  # the jobs of a world last an hour if they run one by one
small = settings(max_examples=40, deadline=None)


def run(of: World) -> tuple[list[EndedJob], Simulation]:
    ended: list[EndedJob] = []
    simulation = Simulation(of, on_end=ended.append)
    simulation.run(LONG_S)
    return ended, simulation


def at_once(ended: list[EndedJob]) -> list[list[EndedJob]]:
    """The jobs that run together, at each instant where one starts."""
    spans = [(one.start_s, one) for one in ended if one.start_s is not None]
    return [
        [other for start_s, other in spans if start_s <= instant_s < other.end_s]
        for instant_s, _ in spans
    ]


@small
@given(worlds())
def test_no_node_is_ever_oversubscribed(of: World) -> None:
    for together in at_once(run(of)[0]):
        for index, name in enumerate(of.nodes.names):
            here = [share for one in together for share in one.allocation if share.node == name]
            gpus: Counter[str] = Counter()
            for share in here:
                gpus.update(share.gpus)
            assert sum(share.cpus for share in here) <= of.nodes.cpus[index]
            assert sum(share.mem_mib for share in here) <= of.nodes.mem_mib[index]
            for column, gpu_type in enumerate(of.nodes.gpu_types):
                assert gpus[gpu_type] <= of.nodes.gpus[index, column]


@small
@given(worlds())
def test_every_start_gives_the_job_what_it_asked_for_and_not_too_early(of: World) -> None:
    partition_of = {partition.name: partition for partition in of.partitions}
    for one in run(of)[0]:
        job, start_s = one.job, one.start_s
        assert start_s is not None
        assert start_s >= job.submit_s
        assert job.eligible_s is None or start_s >= job.eligible_s
        assert one.end_s - start_s == (job.limit_s if job.run_s is None else job.run_s)
        partition = partition_of[one.partition]
        assert one.partition in job.partitions
        indices = [of.nodes.names.index(share.node) for share in one.allocation]
        assert all(partition.nodes[i] and job.features <= of.nodes.features[i] for i in indices)
        assert len(set(indices)) == len(indices)
        assert job.nodes is None or len(indices) == job.nodes
        assert sum(share.cpus for share in one.allocation) >= job.cpus
        for gpu_type, count in job.gpus_per_node.items():
            for share in one.allocation:
                held = share.gpus.get(gpu_type, 0) if gpu_type else sum(share.gpus.values())
                assert held >= count
        wanted = len(indices) * sum(job.gpus_per_node.values())
        wanted = wanted or sum(job.gpus_per_job.values())
        assert sum(sum(share.gpus.values()) for share in one.allocation) == wanted


@small
@given(worlds())
def test_limits_throttles_and_whole_nodes_hold_at_every_instant(of: World) -> None:
    exclusive = {partition.name for partition in of.partitions if partition.exclusive}
    for together in at_once(run(of)[0]):
        small_cpus: Counter[str] = Counter()
        small_jobs: Counter[str] = Counter()
        for one in together:
            if one.job.qos == "small":
                small_cpus[one.job.user] += sum(share.cpus for share in one.allocation)
                small_jobs[one.job.user] += 1
        assert all(cpus <= 6 for cpus in small_cpus.values())
        assert all(jobs <= 2 for jobs in small_jobs.values())
        assert sum(one.job.account == "b" for one in together) <= 2
        assert sum(one.job.array_id == "array" for one in together) <= 2
        jobs_on: Counter[str] = Counter(s.node for one in together for s in one.allocation)
        for one in together:
            if one.job.exclusive or one.partition in exclusive:
                assert all(jobs_on[share.node] == 1 for share in one.allocation)


@small
@given(worlds())
def test_every_job_starts_in_the_end_unless_waiting_can_never_help(of: World) -> None:
    ended, simulation = run(of)
    left = simulation.queue()
    assert len(ended) + len({waiting.job.key for waiting in left}) == len(of.jobs)
    exclusive = {partition.name for partition in of.partitions if partition.exclusive}
    for waiting in left:
        job = waiting.job
        # A whole node may have more CPUs than the limit: known only once nodes are chosen.
        whole_nodes = job.exclusive or not exclusive.isdisjoint(job.partitions)
        assert waiting.never or (job.qos == "small" and whole_nodes)
    assert simulation.running() == []


@small
@given(worlds())
def test_no_start_depends_on_keeping_the_plan(of: World) -> None:
    def starts(*, keeps_plan: bool) -> list[tuple[object, float]]:
        found: list[tuple[object, float]] = []

        def note(one: RunningJob) -> None:
            found.append((one.job.key, one.start_s))

        Simulation(of, on_start=note, keeps_plan=keeps_plan).run(LONG_S)
        return found

    assert starts(keeps_plan=True) == starts(keeps_plan=False)


@small
@given(plain_worlds())
def test_the_first_in_the_queue_never_waits_while_it_would_fit(of: World) -> None:
    """Work conservation of one partition without limits: at each start or end, once the passes
    have run, no free node has room for the first job that still waits.
    """
    ended, _ = run(of)
    starts = {one.job.key: one for one in ended if one.start_s is not None}
    fits = [job for job in of.jobs if job.cpus_per_task <= of.nodes.cpus.max()]
    assert set(starts) == {job.key for job in fits}
    instants = {0.0} | {one.end_s for one in ended}
    for instant_s in sorted(instants):
        waiting = [job for job in fits if (starts[job.key].start_s or 0.0) > instant_s]
        if not waiting:
            continue
        free = dict(zip(of.nodes.names, of.nodes.cpus.tolist(), strict=True))
        for one in ended:
            if one.start_s is not None and one.start_s <= instant_s < one.end_s:
                for share in one.allocation:
                    free[share.node] -= share.cpus
        assert max(free.values()) < waiting[0].cpus_per_task


@small
@given(plain_worlds())
def test_the_plan_of_the_first_cycle_is_when_it_starts_if_limits_are_run_times(of: World) -> None:
    """The first blocked job waits for nobody but running ones, so its plan must come true."""
    planned = plan(of, LONG_S)
    simulation = Simulation(of)
    simulation.run(0.0)
    first = next((one for one in simulation.queue() if one.planned_start_s is not None), None)
    if first is not None:
        told_s, start_s = first.planned_start_s, planned[first.job.key].start_s
        assert told_s is not None
        assert start_s is not None
        assert start_s <= told_s  # told at the end of a look-ahead window, so rather too late
