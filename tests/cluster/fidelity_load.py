"""The workload of the proof of fidelity: what is asked of the cluster, the same in every run.

That of the proof of forecasts in half the time, without what its users do once they have waited:
that would depend on the starts that are to be compared. More jobs wait for others here, some want a
reservation, and one node is drained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tests.cluster.load import Submission, workload

DRAINED_NODE = "gpu05"
CHAINED = 0.12  # of the single jobs wait for the end of another
PER_MINUTE = 13.0
SHORTER = 0.4  # runs, and limits half of what they are there: it drains within a quarter of an hour
OVERRUN_S = 45  # that a job would run on past its limit


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation, from so long after the start of the load on."""

    name: str
    nodes: str
    from_s: float
    minutes: int


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is done to an empty cluster."""

    submissions: Sequence[Submission]
    reserved: Reserved


def scene(rng: np.random.Generator, minutes: float) -> Scene:
    """Load for so many minutes; nothing in it hangs on what the cluster does."""
    reserved = Reserved("course", "gpu01,gpu02", from_s=60 * round(0.4 * minutes), minutes=4)
    plain = [_patient(made) for made in workload(rng, minutes, PER_MINUTE)]
    chained = [_chained(rng, made, place) for place, made in enumerate(plain)]
    return Scene([*chained, *_of_the_course(reserved)], reserved)


def _patient(made: Submission) -> Submission:
    limit = next(word for word in made.words if re.fullmatch(r"-t\d+", word))
    old_minutes = int(limit[2:])
    minutes = -(-old_minutes // 2)
    words = tuple(f"-t{minutes}" if word is limit else word for word in made.words)
    runs_s = (
        minutes * 60 + OVERRUN_S if run_s > old_minutes * 60 else max(3, round(SHORTER * run_s))
        for run_s in made.runs_s
    )
    return replace(
        made,
        words=tuple(word for word in words if word != "--hold"),
        runs_s=tuple(runs_s),
        patience_s=None,
        release_s=None,
    )


def _chained(rng: np.random.Generator, made: Submission, place: int) -> Submission:
    if not place or made.after is not None or len(made.runs_s) > 1 or rng.random() >= CHAINED:
        return made
    return replace(made, after=place - 1 - int(rng.integers(min(place, 3))))


def _of_the_course(reserved: Reserved) -> Iterator[Submission]:
    """Some come before it begins, some during it; they end before it does."""
    words = ("-pgpu", "-c8", "--mem=64G", f"--reservation={reserved.name}")
    for place, at_s in enumerate((-60.0, -40.0, -20.0, 10.0, 25.0, 40.0)):
        user = ("qc-carol", "qc-dave")[place % 2]
        asked = (*words, f"--gres=gpu:a100:{1 + place % 2}", "-t2")
        yield Submission(reserved.from_s + at_s, user, asked, (45 + 10 * place,))
