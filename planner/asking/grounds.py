"""What answers rest on: one snapshot, its futures, and what the site's own record makes of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from django.db.models import Sum
from django.utils import timezone

from planner.advice import Adviser, PastWait, Rights
from planner.asking.answering import Answering
from planner.asking.request import Request
from planner.ensemble import Past, paced_interval_s, run_batch
from planner.forecasting import stored_futures
from planner.forecasting.calibrating import Calibrator
from planner.forecasting.forecasts import HORIZON_S
from planner.forecasting.known import Known
from planner.forecasting.newest import queue_read_at, young_forecast
from planner.futures import Future
from planner.models import Forecast, Work
from planner.record.past_waits import RecentWaits
from planner.sim.cluster import World
from planner.snapshot import Facts, Snapshot
from planner.snapshot.requests import Site
from tracker.models import Cluster

SEED = 0  # that of forecasts
MAKE_FOR_S = 4.0  # after which no other future is begun where none are stored
MADE = 4  # futures, where none are stored
KEPT = 3  # clusters that one worker remembers


@dataclass(frozen=True, eq=False)
class Grounds:
    known: Known
    futures: Sequence[Future]
    seed: int
    replica_s: float | None  # CPU time that one replica takes; None: not known

    @cached_property
    def adviser(self) -> Adviser:
        """That of nobody: see ``Adviser.for_asker``."""
        facts, snapshot = self.known.facts, self.known.snapshot
        return adviser_of(facts, snapshot, self.known.past, self.futures, seed=self.seed)

    def make_ready(self) -> None:
        """What all answers need, made before the first is asked for."""
        self.answering(Request()).first()

    def answering(
        self, request: Request, *, asker: str = "", shows_jobs: bool = False
    ) -> Answering:
        """``asker``: the unix user for whom jobs are named; with ``shows_jobs`` all are."""
        return Answering(
            self.adviser.for_asker(asker, shows_jobs),
            request,
            self.calibrator,
            lambda: self.history,
            self.replica_s,
        )

    @cached_property
    def calibrator(self) -> Calibrator:
        return Calibrator(self.known.cluster, self.known.snapshot.taken_at)

    @cached_property
    def history(self) -> list[PastWait]:
        """Half a second's work for each 20,000 waits."""
        waits = RecentWaits(self.known.cluster, self.known.at).started
        columns = zip(
            (waits.start_s - waits.wait_s).tolist(),
            waits.procs.tolist(),
            waits.partition.tolist(),
            waits.wait_s.tolist(),
            strict=True,
        )
        return [
            PastWait(datetime.fromtimestamp(submitted_s, UTC), procs, partition, wait_s)
            for submitted_s, procs, partition, wait_s in columns
        ]


def adviser_of(
    facts: Facts, snapshot: Snapshot, past: Past, futures: Sequence[Future], *, seed: int
) -> Adviser:
    world, config = snapshot.world, facts.config
    return Adviser(
        world,
        Site.of(facts, world.nodes, world.partitions),
        past,
        futures,
        seed=seed,
        at=snapshot.taken_at,
        rights=Rights.of(facts.associations, config.cluster_name if config else None),
        zone=timezone.get_default_timezone_name(),
    )


_kept: dict[int, tuple[object, Grounds]] = {}  # by cluster, with what they rest on; oldest first


def grounds_of(cluster: Cluster, now: datetime) -> Grounds:
    """The newest, kept from the question before where nothing newer is known.

    Raises SlurmError where queue, nodes or partitions were never read.
    """
    forecast = young_forecast(cluster)
    key = forecast.pk if forecast is not None else queue_read_at(cluster)
    kept_for, grounds = _kept.pop(cluster.pk, (None, None))
    if grounds is None or kept_for != key:
        grounds = (forecast and _stored(forecast)) or _made(cluster, now)
    _kept[cluster.pk] = key, grounds
    for oldest in list(_kept)[:-KEPT]:
        del _kept[oldest]
    return grounds


def forget() -> None:
    """As a worker does that is started anew."""
    _kept.clear()


def stored_grounds(cluster: Cluster, now: datetime) -> Grounds | None:
    """As ``grounds_of``, but None where futures would have to be made first."""
    forecast = young_forecast(cluster)
    if forecast is None or not forecast.batches.exclude(futures=None).exists():
        return None
    return grounds_of(cluster, now)


def _stored(forecast: Forecast) -> Grounds | None:
    found = stored_futures.newest(forecast.cluster)
    if found is None or found[0].facts_at is None:
        return None
    row, futures = found
    of = row.batches.filter(state=Work.State.DONE).aggregate(
        s=Sum("cpu_s"), replicas=Sum("replicas")
    )
    replica_s = of["s"] and of["s"] / of["replicas"]
    return Grounds(Known.of(row.cluster, row.facts_at), futures, row.seed, replica_s)


def _made(cluster: Cluster, now: datetime) -> Grounds:
    known = Known.of(cluster, now)
    began_s = time.process_time()
    futures = list(made_futures(known.snapshot.world, known.past, replicas=MADE, seed=SEED))
    replica_s = (time.process_time() - began_s) / len(futures)
    return Grounds(known, futures, SEED, replica_s)


def made_futures(
    world: World, past: Past, *, replicas: int, seed: int, for_s: float = MAKE_FOR_S
) -> Iterator[Future]:
    """As many as are begun in time, one at least. One says it all where the past is blank."""
    until_s = time.monotonic() + for_s
    for replica in range(1 if past.is_blank else replicas):
        if replica and time.monotonic() > until_s:
            return
        made: list[Future] = []
        run_batch(
            world,
            past,
            seed=seed,
            replicas=range(replica, replica + 1),
            horizon_s=HORIZON_S,
            bf_interval_s=paced_interval_s(world),
            on_future=made.append,
        )
        yield from made
