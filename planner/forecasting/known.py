"""What was known here of a cluster at one instant: all that a forecast is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from planner.ensemble import Past
from planner.forecasting.news import digest
from planner.forecasting.past_runs import past_runs
from planner.snapshot import Facts, Snapshot, build, read_facts
from planner.snapshot.facts import READ
from planner.snapshot.past import past_of
from tracker.models import Cluster
from tracker.polling import outputs_as_of
from tracker.slurm.client import Slurm
from tracker.slurm.transports import ReplayTransport


@dataclass(frozen=True, eq=False)
class Known:
    """What is dear is made when first asked for."""

    cluster: Cluster
    at: datetime
    facts: Facts
    asked_at: dict[str, datetime]  # by command that a snapshot reads

    @classmethod
    def of(cls, cluster: Cluster, at: datetime) -> Known:
        """From the polls that had been answered by then. Raises SlurmError where queue, nodes or
        partitions lack."""
        outputs = outputs_as_of(cluster, at)
        asked_at = {name: outputs[name].started_at for name in READ if name in outputs}
        return cls(cluster, at, read_facts(Slurm(ReplayTransport(outputs))), asked_at)

    def ages_s(self, now: datetime) -> dict[str, float]:
        """By command, of what it answered."""
        return {name: (now - at).total_seconds() for name, at in self.asked_at.items()}

    @cached_property
    def digest(self) -> str:
        """Of what happened, without the time; see ``planner.forecasting.news``."""
        return digest(self.facts)

    @cached_property
    def snapshot(self) -> Snapshot:
        return build(self.facts)

    @cached_property
    def past(self) -> Past:
        """A second's work for each 20,000 attempts."""
        return past_of(self.facts, self.snapshot, past_runs(self.cluster, self.at))
