"""Self-checks as work: the model held against Slurm, on stored polls, every ten minutes at most.

Light enough for every process; the simulator is loaded by the worker that checks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from planner.forecasting.newest import queue_read_at
from planner.models import SelfCheck
from tracker import work
from tracker.models import Cluster, Poll
from tracker.polling import newest_outputs, outputs_as_of
from tracker.polling.outputs import complete_at
from tracker.slurm.transports import Output

if TYPE_CHECKING:
    from planner.selfcheck import Moments
    from planner.snapshot import Facts

EVERY = timedelta(minutes=10)
STALE = timedelta(minutes=10)  # after which a claim is taken for lost
UNHEARD = timedelta(seconds=60)  # after which a doorbell is rung again
KEEP = timedelta(days=1)  # but the newest that is done
# sdiag dates the plan that squeue shows, if it is asked soon after: both are, on the same beat.
BESIDE = timedelta(seconds=5)
INSTANTS = 5  # looked at for one that is dated, newest first
TASK = "planner.tasks.check_model"

log = logging.getLogger(__name__)
State = SelfCheck.State


def newest(cluster: Cluster) -> SelfCheck | None:
    """The last check that has a result."""
    return cluster.self_checks.filter(state=State.DONE).first()


def request_due(now: datetime) -> list[int]:
    """A row for each followed cluster whose queue was read since its last check; their ids."""
    due = [one for one in Cluster.objects.filter(polling_paused=False) if _is_due(one, now)]
    pks = [SelfCheck.objects.create(cluster=one, requested_at=now).pk for one in due]
    work.ring(TASK, pks)
    return pks


def _is_due(cluster: Cluster, now: datetime) -> bool:
    read_at = queue_read_at(cluster)
    last = cluster.self_checks.first()
    if read_at is None or (last is not None and (last.is_open or now - last.requested_at < EVERY)):
        return False
    done = newest(cluster)
    return done is None or done.snapshot_at is None or read_at > done.snapshot_at


def run(pk: int) -> bool:
    """Make one check, if nobody else does; whether it was ours. For the compute worker."""
    row = work.claim(SelfCheck, pk)
    if row is None:
        return False
    try:
        told = _check(row.cluster)
    except Exception as error:  # whatever it is: staff must see it, and the worker go on
        log.exception("self-check %s of %s", pk, row.cluster)
        told = {"state": State.FAILED, "error": f"{type(error).__name__}: {error}"}
    work.close(row, **told)
    return True


def _check(cluster: Cluster) -> dict[str, Any]:
    # Here and not above: the beat and the web processes import this module too.
    from planner.selfcheck import check
    from planner.selfcheck.told import as_json

    facts, moments = _newest_dated(cluster)
    result = as_json(check(facts, moments))
    return {"state": State.DONE, "snapshot_at": facts.taken_at, "result": result}


def _newest_dated(cluster: Cluster) -> tuple[Facts, Moments]:
    """The newest facts whose plan is dated; the newest of all where none is. Raises SlurmError
    where queue, nodes or partitions lack."""
    from planner.selfcheck import moments
    from planner.snapshot import read_facts
    from tracker.slurm.client import Slurm
    from tracker.slurm.transports import ReplayTransport

    def read(outputs: dict[str, Output]) -> tuple[Facts, Moments]:
        slurm = Slurm(ReplayTransport(outputs))
        facts = read_facts(slurm)
        return facts, moments(slurm, facts)

    reads = map(read, _instants(cluster))
    newest_read = next(reads)
    dated = (one for one in chain([newest_read], reads) if one[1].cycle_at is not None)
    return next(dated, newest_read)


def _instants(cluster: Cluster) -> Iterator[dict[str, Output]]:
    """What was known as each of the last sdiags came; with none of them, what is known now."""
    from planner.snapshot.facts import NEEDED

    asked = Poll.objects.filter(cluster=cluster, command="sdiag", ok=True).defer("raw")[:INSTANTS]
    known = (outputs_as_of(cluster, complete_at(poll) + BESIDE) for poll in asked)
    whole = (outputs for outputs in known if outputs.keys() >= set(NEEDED))
    first = next(whole, None)
    yield newest_outputs(cluster) if first is None else first
    yield from whole


def sweep(now: datetime) -> None:
    """Ring again for what waits unheard or was left half done, and forget what is old."""
    done = (newest(cluster) for cluster in Cluster.objects.all())
    kept = [row.pk for row in done if row is not None]
    SelfCheck.objects.filter(requested_at__lt=now - KEEP).exclude(pk__in=kept).delete()
    work.recover(SelfCheck.objects.all(), claimed_before=now - STALE, now=now)
    unheard = SelfCheck.objects.filter(state=State.QUEUED, requested_at__lt=now - UNHEARD)
    work.ring(TASK, unheard.values_list("pk", flat=True))
