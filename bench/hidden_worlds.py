"""Is the advice worth following? Judged in worlds that the adviser cannot see into.

    python bench/hidden_worlds.py [--kinds kth gpu] [--worlds N] [--questions N] [--seed S] [--json]

A true world is simulated from idle for some days, with the run times that its jobs have and under
scheduler parameters that differ from those its settings tell (``bench/hidden_truth.py``). At some
instant the adviser sees what a capture holds: nodes, rules, shares, the queue with its limits,
accounting of what has happened. From that it makes its own futures, with draws of its own. Users of
that world then ask where to submit a job, and are answered as the service does, at first by the fit
and then with the best and the default simulated. Each option is tried in the true world, with all
that is truly submitted later: one run of the truth an option.

Right is an option that finishes first, or within 10 minutes or 10 % of the wait for the first.
Worse than the default is later than it by more than 10 minutes and more than 10 % of its wait; the
default is what sbatch does with the request as asked. Intervals are 95 % of resampled worlds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.hidden_advice import Advised
from bench.hidden_case import Case
from bench.hidden_judge import Figure, Judge
from bench.hidden_kinds import KINDS, perturbed
from bench.hidden_load import DAY_S, People, request_of
from bench.hidden_truth import LONGEST_WAIT_S, STRIDE_S, TrueWorld

WARM_UP_S = 6 * DAY_S
FEWEST_WAITING = 10  # jobs; with fewer there is nothing to advise on
PATIENCE = 24  # hours that the look is put off for the lack of a queue
LOADS = {"kth": (0.7, 0.85), "gpu": (0.85, 1.0)}


class Asked(NamedTuple):
    questions: int  # of a world
    inserted: int  # questions of a world that are answered by insertion, too
    seed: int


def cases(kind_name: str, world: int, asked: Asked) -> Iterator[Case]:
    """Of one world."""
    place = list(KINDS).index(kind_name)
    truth_rng, people_rng, asking_rng = (
        np.random.default_rng((asked.seed, place, world, part)) for part in range(3)
    )
    kind = KINDS[kind_name](truth_rng)
    people = People(kind, people_rng)
    until_s = WARM_UP_S + DAY_S + 3600.0 * PATIENCE + LONGEST_WAIT_S
    load = truth_rng.uniform(*LOADS[kind_name])
    submissions = people.submissions(truth_rng, until_s, load)
    true_world = TrueWorld(kind, perturbed(kind.config, truth_rng), submissions)
    at_s = WARM_UP_S + STRIDE_S * int(asking_rng.integers(int(DAY_S / STRIDE_S)))
    true_world.run(at_s)
    for _ in range(PATIENCE):
        if true_world.waiting >= FEWEST_WAITING:
            break
        at_s += 3600.0
        true_world.run(at_s)
    advised = Advised(true_world.look(), seed=int(asking_rng.integers(2**31)))
    future = true_world.future()
    for number in range(asked.questions):
        project, run_s = next(people.session(asking_rng))
        request = request_of(project, kind)
        insert = number < asked.inserted
        yield advised.case(kind_name, world, request, run_s, future, insert=insert)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--worlds", type=int, default=10, help="of each kind")
    parser.add_argument("--questions", type=int, default=20, help="of each world")
    parser.add_argument("--inserted", type=int, default=1, help="questions a world, also so")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="figures and every case")
    given = parser.parse_args()
    asked = Asked(given.questions, given.inserted, given.seed)
    found: list[Case] = []
    began = time.monotonic()
    for world in range(given.worlds):
        for kind in given.kinds:
            found += cases(kind, world, asked)
            took_s = time.monotonic() - began
            print(f"{kind} {world}: {len(found)} questions, {took_s:.0f} s", file=sys.stderr)
    figures = {kind: Judge([c for c in found if c.kind == kind]).figures() for kind in given.kinds}
    figures["both"] = Judge(found).figures()
    if given.json:
        told = {of: {name: asdict(one) for name, one in f.items()} for of, f in figures.items()}
        print(json.dumps({"figures": told, "cases": [asdict(case) for case in found]}, indent=1))
    else:
        show(figures)
    return 0


def show(figures: dict[str, dict[str, Figure]]) -> None:
    """As a table in Markdown."""
    print("|", *(f"| {kind} | n" for kind in figures), "|")
    print("|---" * (1 + 2 * len(figures)) + "|")
    for name in figures["both"]:
        print(f"| {name}", *(f"| {of[name]} | {of[name].n}" for of in figures.values()), "|")


if __name__ == "__main__":
    raise SystemExit(main())
