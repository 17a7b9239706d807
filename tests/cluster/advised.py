"""One run of the proof of advice: a load, and among it probes in their default or advised form.

Before each probe the cluster is captured, in either form, so that both runs cost the controller the
same; advice rests on that capture alone, as old then as a queue that a service has polled.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from planner.advice import Advice, Adviser, Rights
from planner.asking.answering import REPLICAS, Answering
from planner.asking.request import Request
from planner.ensemble import paced_interval_s, run_batch
from planner.futures import Future
from planner.snapshot import build, read_facts
from planner.snapshot.past import recorded_past
from planner.snapshot.requests import Site
from tests.cluster.campaign import SNAPSHOTS, TRUTH, Load, capture
from tests.cluster.configuration import USERS
from tests.cluster.lab import Lab
from tests.cluster.load import Submission
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.transports import LocalTransport

PROBES, LOAD = "probes.json", "load.json"
LEAD_S = 60.0  # from the capture to the submission: what the advice takes is within it
SLOWEST_S = 600.0  # advice on a machine with other work
HORIZON_S = 2 * 3600.0
PACE_S = 30.0  # between looks of backfill in the futures; the cluster's own 10 s take twice as long
SEED = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """What people ask of this cluster, where there is more than one way to ask for it."""

    partition: str
    cpus: tuple[int, ...]
    mem_mib: int
    gpus: tuple[int, ...] = (0,)
    gpu_type: str | None = None


SHAPES = (
    Shape("cpu", (4, 8, 16), 16_000),
    Shape("gpu", (4,), 24_000, gpus=(1, 2)),
    Shape("gpu", (8,), 64_000, gpus=(1, 2), gpu_type="a100"),
    Shape("highmem", (8, 16), 100_000),
)
LIMITS_MINUTES = (5, 10, 15, 20)


@dataclass(frozen=True, slots=True)
class Probe:
    """``request`` as its user would send it: the default form."""

    at_s: float
    request: Request
    run_s: int

    @property
    def words(self) -> list[str]:
        return self.request.sbatch_args(self.request.partitions[0])


def probes(rng: np.random.Generator, count: int, first_s: float, every_s: float) -> list[Probe]:
    """Of every user and of every shape in turn."""
    users = list(USERS)
    return [
        _probe(
            rng,
            users[number % len(users)],
            SHAPES[number % len(SHAPES)],
            first_s + number * every_s,
        )
        for number in range(count)
    ]


def _probe(rng: np.random.Generator, user: str, shape: Shape, at_s: float) -> Probe:
    limit_minutes = int(rng.choice(LIMITS_MINUTES))
    request = Request(
        user=user,
        account=USERS[user][0],
        qos="normal",
        partitions=(shape.partition,),
        cpus=int(rng.choice(shape.cpus)),
        mem_mib=shape.mem_mib,
        gpus=int(rng.choice(shape.gpus)),
        gpu_type=shape.gpu_type,
        limit_minutes=limit_minutes,
    )
    return Probe(at_s, request, int(60 * limit_minutes * rng.uniform(0.2, 0.8)))


def advice(folder: Path, request: Request) -> Advice:
    """What the service says at last of the request, from a capture and nothing else."""
    slurm = Slurm(read_capture(folder).transport)
    facts = read_facts(slurm)
    snapshot = build(facts)
    world, past = snapshot.world, recorded_past(slurm, facts, snapshot)
    futures: list[Future] = []
    run_batch(
        world,
        past,
        seed=SEED,
        replicas=range(1 if past.is_blank else REPLICAS),
        horizon_s=HORIZON_S,
        bf_interval_s=max(PACE_S, paced_interval_s(world)),
        on_future=futures.append,
    )
    adviser = Adviser(
        world,
        Site.of(facts, world.nodes, world.partitions),
        past,
        futures,
        seed=SEED,
        at=snapshot.taken_at,
        rights=Rights.of(facts.associations),
    )
    answering = Answering(adviser, request, replica_s=0.0)
    *_, last = answering.rest(answering.first())
    return last


class Run:
    """``load`` and ``probes`` on one cluster; ``folder`` gets what was done and what came of it."""

    def __init__(
        self, lab: Lab, load: Sequence[Submission], probes: Sequence[Probe], folder: Path
    ) -> None:
        self._lab = lab
        self._load = Load(lab, load)
        self._probes = probes
        self._folder = folder
        self._transport = LocalTransport(slurm_conf=str(lab.home / "etc/slurm.conf"))

    def record(self, *, advised: bool, together: threading.Barrier, patience_s: float) -> None:
        """Ends once every probe has started, at the latest ``patience_s`` after the last one. At
        ``together`` the runs of a load wait for each other, before each probe."""
        stop = threading.Event()
        failures: list[BaseException] = []
        began = time.monotonic()

        def submit() -> None:
            try:
                self._load.run(began, stop)
            except BaseException as error:  # raised again where the test sees it
                failures.append(error)

        submitter = threading.Thread(target=submit)
        submitter.start()
        try:
            told = [
                self._submit(number, probe, began, together, advised=advised)
                for number, probe in enumerate(self._probes)
            ]
            _keep(self._folder / PROBES, told)
            self._wait_for({row["job_id"] for row in told}, time.monotonic() + patience_s)
        except BaseException:
            together.abort()
            raise
        finally:
            stop.set()
            submitter.join()
        if failures:
            raise failures[0]
        _keep(self._folder / LOAD, list(self._load.job_ids.items()))
        capture(self._transport, self._folder / TRUTH)

    def _submit(
        self,
        number: int,
        probe: Probe,
        began: float,
        together: threading.Barrier,
        *,
        advised: bool,
    ) -> dict[str, Any]:
        folder = self._folder / SNAPSHOTS / f"{number:03}"
        _sleep_until(began + probe.at_s - LEAD_S)
        capture(self._transport, folder)
        told: dict[str, Any] = {"words": probe.words, "is_default": True}
        if advised:
            found = advice(folder, probe.request)
            best = None if found.best is None else found.options[found.best]
            if best is not None:
                told = {
                    "words": best.request.sbatch_args(best.partition),
                    "is_default": best.is_default,
                    "p50_s": best.p50_s,
                    "p90_s": best.p90_s,
                    "later_than_horizon": list(best.later_than_horizon),
                }
        told["took_s"] = time.monotonic() - (began + probe.at_s - LEAD_S)
        _sleep_until(began + probe.at_s)
        together.wait(SLOWEST_S)
        quiet = ("sbatch", "--parsable", "-o/dev/null")
        user, body = probe.request.user, f"sleep {probe.run_s}"
        answer = self._lab.run(*quiet, *told["words"], "--wrap", body, user=user)
        return told | {
            "job_id": int(answer.split(";")[0]),
            "submitted_at": time.time(),
            "user": user,
            "run_s": probe.run_s,
        }

    def _wait_for(self, job_ids: set[int], deadline: float) -> None:
        """Until none of them waits."""
        while time.monotonic() < deadline:
            waiting = {
                row.job_id for row in Slurm(self._transport).queue() if row.state == "PENDING"
            }
            if not waiting & job_ids:
                return
            time.sleep(5)


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.monotonic()))


def _keep(path: Path, what: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(what, indent=1) + "\n")
