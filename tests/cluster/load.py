"""The workload of the proof of forecasts: what six people ask of the test cluster in some minutes.

Seeded and pure: the same generator gives the same submissions, to be made on any cluster. Requests
come as single jobs, sweeps of equal jobs and arrays; how much of its limit a job uses depends on
who asks and is alike within a sweep, as in real traces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LIMITS_MINUTES = (2, 2, 3, 3, 5, 5, 5, 8, 10, 15, 20)
# user -> (share of the submissions, mean of run / limit)
PEOPLE = {
    "qc-alice": (0.30, 0.35),
    "qc-bob": (0.20, 0.55),
    "qc-carol": (0.20, 0.25),
    "qc-dave": (0.10, 0.60),
    "qc-erin": (0.10, 0.30),
    "qc-frank": (0.10, 0.40),
}
# (until this share of the time, submissions a minute relative to the mean): a queue forms at once,
# stays through the middle and shrinks towards the end.
PACE = ((0.2, 2.2), (0.65, 1.1), (1.0, 0.2))
# A queue forms, and people go on submitting about as much as the cluster gets done.
STEADY = ((0.12, 2.2), (1.0, 0.84))
Pace = tuple[tuple[float, float], ...]
KINDS = (("plain", 0.84), ("held", 0.03), ("later", 0.03), ("after", 0.05), ("fails", 0.05))


@dataclass(frozen=True, slots=True)
class Shape:
    """What may be asked at once; ``{}`` in ``words`` stands for a number drawn from ``counts``."""

    weight: float
    words: tuple[str, ...]
    counts: tuple[int, ...]
    max_limit_minutes: int = 20
    in_bulk: bool = False  # asked as sweeps and arrays, too


SHAPES = (
    Shape(20, ("-pcpu", "-c{}", "--mem-per-cpu=2G"), (1, 1, 2, 4, 8, 16), in_bulk=True),
    Shape(6, ("-pcpu", "-c{}", "--mem-per-cpu=3G"), (16, 24, 32)),
    Shape(5, ("-pcpu", "-N2", "--ntasks-per-node={}", "--mem=32G"), (16, 32)),
    Shape(1, ("-pcpu", "-n{}", "--mem-per-cpu=1G"), (64,)),
    Shape(8, ("-pcpu,gpu", "-c{}", "--mem-per-cpu=2G"), (4, 8, 16, 32), in_bulk=True),
    Shape(14, ("-pgpu", "-c4", "--mem=24G", "--gres=gpu:{}"), (1, 1, 2), in_bulk=True),
    Shape(12, ("-pgpu", "-c8", "--mem=64G", "--gres=gpu:a100:{}"), (1, 1, 2, 4), in_bulk=True),
    Shape(2, ("-pgpu", "-N{}", "-c16", "--mem=128G", "--gres=gpu:a100:4"), (2,)),
    Shape(6, ("-pgpu", "-c4", "--mem=32G", "--gres=gpu:v100:{}"), (1, 2)),
    Shape(10, ("-phighmem", "-c{}", "--mem=700G"), (8, 16, 32)),
    Shape(5, ("-phighmem", "-c{}", "--mem=1500G"), (32, 64)),
    Shape(6, ("-pdebug", "-c{}", "--mem-per-cpu=1G"), (1, 2, 4), max_limit_minutes=3),
    Shape(2, ("-pdebug,gpu", "-c4", "--mem=8G", "--gres=gpu:v100:{}"), (1,), max_limit_minutes=5),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """One sbatch, ``at_s`` after the start of the load."""

    at_s: float
    user: str
    words: tuple[str, ...]
    runs_s: tuple[int, ...]  # of each task; one of a plain job
    fails: bool = False
    after: int | None = None  # waits for the end of this submission, by its place in the workload
    patience_s: float | None = None  # cancelled by its user if it still waits then
    release_s: float | None = None  # a held job is let go so long after its submission

    @property
    def body(self) -> str:
        """For ``sbatch --wrap``: sleeps as long as this task is to run, longer than some limits."""
        if len(self.runs_s) == 1:
            sleep = f"sleep {self.runs_s[0]}"
        else:
            tasks = " ".join(str(run_s) for run_s in self.runs_s)
            sleep = f'set -- {tasks}; eval "sleep \\${{$SLURM_ARRAY_TASK_ID}}"'
        return f"{sleep}; exit 1" if self.fails else sleep


def workload(
    rng: np.random.Generator, minutes: float, per_minute: float, pace: Pace = PACE
) -> list[Submission]:
    """Submissions in order of time; ``per_minute`` in the mean, a sweep or an array being one."""
    found: list[Submission] = []
    for at_s in _arrivals(rng, minutes * 60, per_minute / 60, pace):
        found += _group(rng, at_s, len(found))
    return found


def _arrivals(
    rng: np.random.Generator, length_s: float, rate: float, pace: Pace
) -> Iterator[float]:
    """A Poisson process by thinning: the pace changes with time."""
    fastest = max(times for _, times in pace)
    at_s = rng.exponential(1 / (rate * fastest))
    while at_s < length_s:
        now = next(times for until, times in pace if at_s <= until * length_s)
        if rng.random() < now / fastest:
            yield at_s
        at_s += rng.exponential(1 / (rate * fastest))


def _group(rng: np.random.Generator, at_s: float, before: int) -> list[Submission]:
    """A single job, a sweep of equal jobs or an array: 70, 15 and 15 in 100."""
    bulk = rng.choice(["single", "sweep", "array"], p=[0.7, 0.15, 0.15])
    shapes = [shape for shape in SHAPES if shape.in_bulk or bulk == "single"]
    weights = np.array([shape.weight for shape in shapes])
    shape = shapes[rng.choice(len(shapes), p=weights / weights.sum())]
    user = str(rng.choice(list(PEOPLE), p=[share for share, _ in PEOPLE.values()]))
    limit_minutes = int(rng.choice([m for m in LIMITS_MINUTES if m <= shape.max_limit_minutes]))
    words = (*(word.format(rng.choice(shape.counts)) for word in shape.words), f"-t{limit_minutes}")
    # The QOS high runs few jobs of a user at once: nobody sends it a sweep.
    qos = ["normal", "low", "high"] if bulk == "single" else ["normal", "normal", "low"]
    words += (f"--qos={rng.choice(qos, p=[0.8, 0.1, 0.1])}",)
    count = 1 if bulk == "single" else int(rng.integers(6, 16))
    runs_s = _runs_s(rng, PEOPLE[user][1], limit_minutes * 60.0, count)
    patience_s = float(rng.exponential(300)) + 30 if rng.random() < 0.08 else None
    if bulk == "array":
        throttle = f"%{rng.integers(3, 7)}" if rng.random() < 0.3 else ""
        words += (f"--array=1-{count}{throttle}",)
        return [Submission(at_s, user, words, runs_s, patience_s=patience_s)]
    if bulk == "sweep":
        return [Submission(at_s, user, words, (run_s,), patience_s=patience_s) for run_s in runs_s]
    return [_single(rng, Submission(at_s, user, words, runs_s, patience_s=patience_s), before)]


def _single(rng: np.random.Generator, plain: Submission, before: int) -> Submission:
    """Some are held, begin later, wait for another job or fail at once."""
    at_s, user, words, runs_s = plain.at_s, plain.user, plain.words, plain.runs_s
    kinds, shares = zip(*KINDS, strict=True)
    match rng.choice(kinds, p=shares):
        case "held":
            release_s = float(rng.uniform(60, 400)) if rng.random() < 0.7 else None
            return Submission(at_s, user, (*words, "--hold"), runs_s, release_s=release_s)
        case "later":
            begin = f"--begin=now+{rng.integers(60, 360)}"
            return Submission(at_s, user, (*words, begin), runs_s)
        case "after" if before:
            # One of the last, which Slurm has not forgotten yet.
            after = before - 1 - int(rng.integers(min(before, 5)))
            return Submission(at_s, user, words, runs_s, after=after)
        case "fails":
            return Submission(at_s, user, words, (int(rng.integers(2, 15)),), fails=True)
    return plain


def _runs_s(rng: np.random.Generator, mean: float, limit_s: float, count: int) -> tuple[int, ...]:
    """A share of the limit, alike within a sweep; one in 25 would run on past it."""
    share = rng.beta(3 * mean, 3 * (1 - mean))
    if rng.random() < 0.04:
        return (int(limit_s) + 120,) * count
    runs_s = limit_s * share * rng.lognormal(0.0, 0.1, count)
    return tuple(int(run_s) for run_s in runs_s.clip(3, limit_s))
