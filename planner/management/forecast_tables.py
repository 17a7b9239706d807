"""Forecasts as tables for people."""

from __future__ import annotations

from collections.abc import Iterator

from planner.forecasting.forecasts import JobForecast, QueueForecast
from planner.selfcheck import moments
from planner.selfcheck.starts import agreement, compare, explained, in_order
from planner.snapshot import Snapshot
from planner.snapshot.facts import Facts
from tracker.slurm.client import Slurm
from tracker.slurm.records import QueuedJob

_LATER = "later"  # than the horizon


def table(made: QueueForecast) -> Iterator[str]:
    """A line a job, the first to start on top."""
    how = f"{made.replicas} simulated futures"
    if made.method == "plan":
        how = "no past is known: a plan in which every job runs to its limit and none arrives"
    yield (
        f"{len(made.jobs)} waiting jobs at {made.snapshot_at:%Y-%m-%d %H:%M:%S %Z},"
        f" looking {made.horizon_s // 3600} h ahead; {how}"
    )
    yield ""
    line = "{:<12} {:<10} {:<12} {:<26} {:>8} {:>8} {:>8}  {}"
    yield line.format("JOB", "USER", "PARTITION", "NEEDS", "P10", "P50", "P90", "WHY")
    for job in sorted(made.jobs, key=_order):
        record = job.pending.record
        yield line.format(
            job.pending.key,
            record.user,
            ",".join(record.partitions),
            _needs(record),
            *(_shown(job, name) for name in ("p10", "p50", "p90")),
            job.why,
        ).rstrip()


def comparison(
    slurm: Slurm, facts: Facts, snapshot: Snapshot, made: QueueForecast
) -> Iterator[str]:
    """Slurm's own StartTime, one cycle of the model, and its plan, job by job."""
    interval_s = snapshot.world.config.bf_interval_s
    pairs = compare(facts, snapshot, moments(slurm, facts).cycle_at)
    why = explained(pairs, interval_s)
    simulated_s = {job.pending.key: job.p50_s for job in made.jobs}
    line = "| {:<10} | {:<10} | {:>9} | {:>9} | {:>9} | {:>9} | {} |"
    head = ("job", "partition", "Slurm", "cycle", "apart s", "simulated", "why they differ")
    yield line.format(*head)
    yield line.format(*("-" * len(word) for word in head))
    for pair in sorted(pairs, key=in_order):
        yield line.format(
            key := pair.pending.key,
            ",".join(pair.pending.record.partitions),
            _clock(pair.slurm_s),
            _clock(pair.cycle_s),
            "" if pair.difference_s is None else f"{pair.difference_s:+.0f}",
            _clock(simulated_s[key]),
            why[key],
        )
    yield ""
    found = agreement(pairs, interval_s)
    if found is None:
        yield "No job has a start both from Slurm and from the model."
        return
    yield (
        f"{found.rows} rows, {found.both} with a start from both:"
        f" {found.within_interval:.0%} within one backfill interval ({interval_s:g} s),"
        f" median difference {found.median_abs_s:.0f} s"
    )


def _needs(record: QueuedJob) -> str:
    """``2 nodes, 32 cpu, 8 a100``: what it asks for in all."""
    asked = record.tres_alloc
    gpus = asked.gpus_by_type or ({"gpu": asked.gpus} if asked.gpus else {})
    parts = [f"{record.cpus or 1} cpu", *(f"{count} {kind}" for kind, count in gpus.items())]
    if (record.node_count or 1) > 1:
        parts.insert(0, f"{record.node_count} nodes")
    return ", ".join(parts)


def _order(job: JobForecast) -> tuple[int, float]:
    """By P50; then those that start after the horizon, then those without a start."""
    if job.p50_s is not None:
        return 0, job.p50_s
    return 1 if job.later_than_horizon else 2, 0.0


def _shown(job: JobForecast, name: str) -> str:
    if name in job.later_than_horizon:
        return _LATER
    said = {"p10": job.p10_s, "p50": job.p50_s, "p90": job.p90_s}[name]
    return _clock(said) or "-"


def _clock(seconds: float | None) -> str:
    """``+01:30`` hours and minutes from the snapshot, with seconds below an hour."""
    if seconds is None:
        return ""
    if abs(seconds) < 3600:
        sign = "-" if seconds < 0 else "+"
        minutes, rest = divmod(round(abs(seconds)), 60)
        return f"{sign}{minutes}m{rest:02d}s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"+{hours:02d}:{minutes:02d}"
