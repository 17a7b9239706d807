"""Where an experiment can be started, and what stands against it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.models import Actor, Cluster, Experiment
from tracker.submission import why_not_start


@dataclass(frozen=True, slots=True)
class Place:
    cluster: Cluster
    why_not: str  # with the cure; empty where it can be started


def places(actor: Actor, experiment: Experiment) -> list[Place]:
    return [Place(one, _why_not(experiment, one, actor)) for one in actor.clusters()]


def preferred(known: Sequence[Place], cluster: Cluster | None) -> Place | None:
    """The experiment's own cluster, else the first where it can be started; None without any."""
    own = (place for place in known if place.cluster == cluster)
    open_ones = (place for place in known if not place.why_not)
    return next(own, None) or next(open_ones, None) or next(iter(known), None)


def _why_not(experiment: Experiment, cluster: Cluster, actor: Actor) -> str:
    if not experiment.batch_script.strip():
        return "Its batch script is empty: edit the experiment and write what the job runs."
    return why_not_start(experiment, cluster, actor)
