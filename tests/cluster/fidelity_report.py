"""The comparison of recorded runs with the model as a report in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tests.cluster.fidelity_check import HEAD, checks, differences, line, starts_within
from tests.cluster.fidelity_comparison import Comparison
from tests.cluster.fidelity_load import DRAINED_NODE
from tests.cluster.fidelity_scores import Apart, Floats, Interval, Primary
from tests.cluster.fidelity_why import reasons

WORST = 12
DIFFERENCES = 3  # told of a capture


def report(comparison: Comparison) -> str:
    return "\n\n".join(_sections(comparison)) + "\n"


def _sections(comparison: Comparison) -> Iterator[str]:
    yield f"## Runs\n\n{_summary(comparison)}"
    yield _runs(comparison)
    yield _mean_waits(comparison)
    yield "## Primary: how far starts lie apart\n\n" + _primaries(comparison)
    yield "## Pair by pair\n\nAll jobs:\n\n" + _pairs(comparison)
    yield "## Rank correlation within partitions\n\n" + _ranks(comparison)
    yield "## Self-check on captures of the loaded cluster\n\n" + _checks(comparison)
    yield f"## The {WORST} jobs that differ most\n\n" + _worst(comparison)


def _summary(comparison: Comparison) -> str:
    runs, jobs = comparison.runs, comparison.jobs
    made = [one.made for one in runs[0].submissions]
    text = (
        f"{len(runs)} runs of the same {len(made)} submissions: {len(runs[0].asked)} jobs and array"
        f" tasks, {len(jobs)} of which started everywhere,"
        f" {sum(len(one.runs_s) > 1 for one in made)} arrays,"
        f" {sum(one.after is not None for one in made)} submissions that wait for another,"
        f" {sum('--reservation' in ' '.join(one.words) for one in made)} in a reservation, node"
        f" {DRAINED_NODE} drained. {comparison.waited.sum()} jobs waited for a backfill interval"
        f" ({runs[0].interval_s:.0f} s) or more in some run."
    )
    return "\n".join([text, *(f"\nNot started: {line}." for line in comparison.missing)])


def _runs(comparison: Comparison) -> str:
    lines = []
    for i, run in enumerate(comparison.runs):
        waits_s = comparison.waits_s[i]
        ran_s = [one.run_s for one in run.seen.values() if one.run_s is not None]
        used = [
            (one.run_s or 0.0) / (run.asked[known].limit_s or np.inf)
            for known, one in run.seen.items()
        ]
        cells = [f"{run.begin_at:%Y-%m-%d %H:%M}", f"{comparison.slurm_s[i].max():.0f}"]
        cells += [f"{np.mean(ran_s):.0f}", f"{np.mean(used):.2f}", f"{waits_s.mean():.1f}"]
        cells += [f"{np.median(waits_s):.0f}", f"{np.quantile(waits_s, 0.9):.0f}"]
        cells += [f"{waits.mean():.1f}" for waits in _model_waits(comparison, i)]
        lines.append([run.name, *cells])
    head = ("", "begin UTC", "last start s", "mean run s", "run of limit", "mean wait s")
    waits = ("median wait s", "ninth decile s", "model's mean wait s", "as meant s")
    return _table((*head, *waits), lines)


def _mean_waits(comparison: Comparison) -> str:
    """Over all runs: a single run is as far from the next as Slurm's runs are."""
    slurm_s = comparison.waits_s.mean(axis=1)
    measured_s, meant_s = (
        float(np.mean(starts_s - comparison.submits_s))
        for starts_s in (comparison.measured_s, comparison.meant_s)
    )
    mean_s = float(slurm_s.mean())
    apart = max(abs(slurm_s / mean_s - 1))
    return (
        f"Mean wait over all runs: Slurm {mean_s:.1f} s, the model {measured_s:.1f} s"
        f" ({measured_s / mean_s - 1:+.1%}), as meant {meant_s:.1f} s"
        f" ({meant_s / mean_s - 1:+.1%}). Single runs of Slurm lie up to {apart:.1%} from their"
        " mean."
    )


def _model_waits(comparison: Comparison, i: int) -> Iterator[Floats]:
    for starts_s in (comparison.measured_s, comparison.meant_s):
        yield starts_s[i] - comparison.submits_s[i]


def _primaries(comparison: Comparison) -> str:
    explained = (
        "Median of |start - start|, over all runs or pairs of runs, with 90 % intervals of a"
        " bootstrap over submissions and runs (pairs). The goal is a ratio of at most 1.5."
        " *Measured*: the model from the submission and run times that accounting tells of the same"
        " run; *meant*: from those that the scene says.\n\n"
    )
    lines = []
    for rows, label in ((None, "all jobs"), (comparison.waited, "jobs that waited")):
        for starts_s, how in ((comparison.measured_s, "measured"), (comparison.meant_s, "meant")):
            found = comparison.primary(starts_s, rows)
            count = len(comparison.jobs) if rows is None else int(rows.sum())
            lines.append([f"{label}, {how}", str(count), *_of_primary(found)])
    head = ("", "jobs", "model and Slurm s", "Slurm and Slurm s", "ratio")
    return explained + _table(head, lines)


def _of_primary(found: Primary) -> list[str]:
    return [
        f"{found.model_s:.1f} {_within(found.model_within)}",
        f"{found.slurm_s:.1f} {_within(found.slurm_within)}",
        f"{found.ratio:.2f} {_within(found.ratio_within, 2)}",
    ]


def _pairs(comparison: Comparison) -> str:
    groups = [
        ("measured", comparison.of_model(comparison.measured_s)),
        ("meant", comparison.of_model(comparison.meant_s)),
        ("Slurm", comparison.between_runs()),
    ]
    interval_s = comparison.runs[0].interval_s
    lines = []
    for label, pairs in groups:
        values = np.array([_of_pair(pair, interval_s) for pair in pairs])
        names = [f"{label}: {pair.name}" for pair in pairs]
        lines += [[name, *map(_one, row)] for name, row in zip(names, values, strict=True)]
        means = (f"**{_one(value)}**" for value in np.abs(values).mean(axis=0))
        lines.append([f"**{label}: mean of absolute values**", *means])
    head = ("", "median gap s", "mean gap s", "bias s", "mean wait off %")
    return _table((*head, f"within {interval_s:.0f} s %", "within 30 s %"), lines)


def _of_pair(pair: Apart, interval_s: float) -> list[float]:
    return [
        pair.median_s,
        pair.mean_s,
        pair.bias_s,
        100 * pair.mean_wait_off,
        100 * pair.within(interval_s),
        100 * pair.within(30.0),
    ]


def _ranks(comparison: Comparison) -> str:
    asked = comparison.runs[0].asked
    names = {known: ",".join(asked[known].partitions) for known in comparison.jobs}
    lines = []
    for name in sorted(set(names.values())):
        rows = comparison.mask(lambda known, name=name: names[known] == name)  # type: ignore[misc]
        cells = [name, str(rows.sum()), f"{comparison.waits_s[:, rows].mean():.0f}"]
        for of in (0, 1):  # starts, waits
            for pairs in (comparison.of_model(comparison.measured_s), comparison.between_runs()):
                told = [pair.rank_correlation(rows)[of] for pair in pairs]
                cells.append(f"{np.mean(told):.2f} ({min(told):.2f} to {max(told):.2f})")
        lines.append(cells)
    head = ("partition asked", "jobs", "mean wait s", "of starts: model", "Slurm")
    return _table((*head, "of waits: model", "Slurm"), lines)


def _checks(comparison: Comparison) -> str:
    found = [one for run in comparison.runs for one in checks(run)]
    within, both = starts_within(check for _, check in found)
    told = (
        f"Of {both} planned starts that both tell, {within} ({within / max(both, 1):.0%}) are"
        " within a backfill interval. What differs, at most three of a capture:"
    )
    lines = [
        f"- {name}: {what}: {why}"
        for name, check in found
        for what, why in differences(check)[:DIFFERENCES]
    ]
    table = _table(HEAD, (line(name, check) for name, check in found))
    return "\n\n".join([table, told, "\n".join(lines)])


def _worst(comparison: Comparison) -> str:
    """By how much further from Slurm's runs the model is than these are from each other."""
    own_gaps_s = _median_gaps_s(comparison.of_model(comparison.measured_s))
    slurm_gaps_s = _median_gaps_s(comparison.between_runs())
    worst = np.argsort(slurm_gaps_s - own_gaps_s, kind="stable")[:WORST]
    run = comparison.runs[0]
    own_s = dict(zip(comparison.jobs, comparison.measured_s[0].tolist(), strict=True))
    why = reasons(run, own_s, [comparison.jobs[i] for i in worst])
    lines = []
    for i in worst:
        known = comparison.jobs[i]
        made = run.submissions[known.place].made
        after = "" if made.after is None else f" after {made.after}"
        lines.append(
            [
                f"{known} ({run.seen[known].job_id})",
                made.user,
                f"`{' '.join(made.words)}{after}`",
                " ".join(f"{start_s:.0f}" for start_s in comparison.slurm_s[:, i]),
                " ".join(f"{start_s:.0f}" for start_s in comparison.measured_s[:, i]),
                f"{own_gaps_s[i]:.0f}, {slurm_gaps_s[i]:.0f}",
                why[known],
            ]
        )
    explained = (
        "By the median of the model's gaps to the runs, less that of Slurm's between runs; the last"
        f" column is what the later side said in {run.name}.\n\n"
    )
    head = ("job (id)", "user", "asks for", "Slurm's starts s", "the model's")
    return explained + _table((*head, "median gaps s", "said"), lines)


def _median_gaps_s(pairs: Sequence[Apart]) -> Floats:
    """Of each job, over these pairs."""
    gaps_s: Floats = np.median([np.abs(pair.gaps_s) for pair in pairs], axis=0)
    return gaps_s


# --- cells
def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _one(value: float) -> str:
    return f"{value:.1f}"


def _within(interval: Interval, digits: int = 1) -> str:
    return f"({interval.low:.{digits}f} to {interval.high:.{digits}f})"
