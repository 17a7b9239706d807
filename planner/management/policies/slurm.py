"""The model of Slurm: on a captured cluster, on one that a file describes, or on one as large as
the log shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from planner.clusterfile import read_cluster_file
from planner.management.policies.prepared import Prepared
from planner.report.schedule import Schedule
from planner.sim.pool import Tally
from planner.snapshot import read_facts
from planner.snapshot.facts import SnapshotNote
from planner.traces.cleaning import TraceError
from planner.traces.reading import read_trace
from planner.traces.requests import read_requests
from planner.workload.cluster import emptied
from planner.workload.inferred import inferred
from planner.workload.jobs import Workload, workload
from planner.workload.run import run
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm


def prepare(
    path: Path,
    *,
    capture: Path | None,
    cluster_file: Path | None,
    processors: int | None,
    first: int | None,
) -> Prepared:
    """Raises TraceError, ClusterFileError, SlurmError, OSError."""
    if capture is not None:
        facts = read_facts(Slurm(read_capture(capture).transport))
        as_of = f"is as of the capture, {facts.taken_at:%Y-%m-%d %H:%M:%S %Z}, at the first job"
        note = SnapshotNote("usage of accounts and users", as_of)
        facts = replace(facts, notes=(*facts.notes, note))
        trace = read_requests(path)
    elif cluster_file is not None:
        facts = read_cluster_file(cluster_file)
        trace = read_requests(path)
    else:
        trace = read_trace(path, processors)
        facts = inferred(trace, processors)
    if first is not None:
        trace = replace(trace, jobs=trace.jobs[:first])
    cluster = emptied(facts, origin_s=trace.jobs[0].asked.submit_s)
    work = workload(trace, cluster)
    if not work.jobs:
        raise TraceError(
            f"{trace.name}: no job is left that the cluster can run ({'; '.join(work.notes)});"
            " give a log of this cluster"
        )
    return Prepared(
        trace.name,
        len(work.jobs),
        cluster.processors,
        work.notes,
        lambda tally: _simulate(work, cluster.processors, tally),
    )


def _simulate(work: Workload, processors: int, tally: Tally) -> tuple[Schedule, tuple[str, ...]]:
    done = run(work, tally)
    started = np.flatnonzero(~np.isnan(done.start_s))
    origin_s = work.world.origin_s
    # A job that preemption cut short has ended; others may have gone on after the last start.
    run_s = np.array([job.run_s for job in work.jobs])
    run_s = np.where(np.isnan(done.end_s), run_s, done.end_s - done.start_s)
    schedule = Schedule(
        np.array(work.job_ids)[started],
        np.array([job.submit_s for job in work.jobs])[started] + origin_s,
        done.start_s[started] + origin_s,
        run_s[started],
        np.array([job.limit_s for job in work.jobs])[started],
        done.cpus[started],
        processors,
    )
    return schedule, done.notes
