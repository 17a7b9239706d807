"""What was known here of a cluster at one instant: all that a forecast is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from planner.ensemble import Past
from planner.past_runs import past_runs
from planner.snapshot import Snapshot, build, read_facts
from planner.snapshot.facts import READ
from planner.snapshot.past import past_of
from tracker.models import Cluster
from tracker.polling import outputs_as_of
from tracker.slurm.client import Slurm
from tracker.slurm.transports import Output, ReplayTransport


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    cluster: Cluster
    at: datetime
    asked_at: dict[str, datetime]  # by command that a snapshot reads
    snapshot: Snapshot
    past: Past

    @classmethod
    def of(cls, cluster: Cluster, at: datetime) -> Known:
        """From the polls that had been answered by then. Raises SlurmError where queue, nodes or
        partitions lack."""
        outputs = outputs_as_of(cluster, at)
        facts = read_facts(_slurm(outputs))
        snapshot = build(facts)
        return cls(
            cluster,
            at,
            {name: outputs[name].started_at for name in READ if name in outputs},
            snapshot,
            past_of(facts, snapshot, past_runs(cluster, at)),
        )

    def ages_s(self, now: datetime) -> dict[str, float]:
        """By command, of what it answered."""
        return {name: (now - at).total_seconds() for name, at in self.asked_at.items()}


def snapshot_of(cluster: Cluster, at: datetime) -> Snapshot:
    """Without the past. Raises SlurmError as above."""
    return build(read_facts(_slurm(outputs_as_of(cluster, at))))


def _slurm(outputs: dict[str, Output]) -> Slurm:
    return Slurm(ReplayTransport(outputs))
