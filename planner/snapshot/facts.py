"""What Slurm said at one instant: the records that a snapshot is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmError
from tracker.slurm.records import (
    Association,
    ClusterConfig,
    Node,
    Partition,
    PriorityFactors,
    Qos,
    QueuedJob,
    Reservation,
    Share,
)

T = TypeVar("T")

# What the model does without the answer of a command.
_WITHOUT = {
    "config": "Slurm's documented defaults are assumed",
    "reservations": "no node is taken as reserved",
    "qos": "QOS priorities and limits are not modelled",
    "assoc": "limits of accounts and users are not modelled",
    "sshare": "fair share is taken from the priorities in the queue and does not change",
    "sprio": "nice values are taken from the priorities in the queue",
}
NEEDED = ("squeue", "nodes", "partitions")  # without one of these there is no snapshot
READ = (*NEEDED, *_WITHOUT)  # names in tracker.slurm.commands


@dataclass(frozen=True, slots=True)
class SnapshotNote:
    """Something that the snapshot leaves out or guesses; ``about`` names the thing."""

    about: str
    what: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Records as the adapter parsed them; ``taken_at`` is when the queue was asked for."""

    taken_at: datetime
    queue: list[QueuedJob]
    nodes: list[Node]
    partitions: list[Partition]
    config: ClusterConfig | None = None
    reservations: tuple[Reservation, ...] = ()
    qos: tuple[Qos, ...] = ()
    associations: tuple[Association, ...] = ()
    shares: tuple[Share, ...] = ()
    priorities: tuple[PriorityFactors, ...] = ()
    notes: tuple[SnapshotNote, ...] = ()  # what could not be had, and what that costs


def read_facts(slurm: Slurm) -> Facts:
    """All that a snapshot needs, live or from a recording.

    Raises SlurmError only without queue, nodes or partitions: accounting may be absent or private.
    """
    notes: list[SnapshotNote] = []

    def optional(name: str, ask: Callable[[], list[T]]) -> tuple[T, ...]:
        try:
            return tuple(ask())
        except SlurmError as error:
            notes.append(SnapshotNote(name, f"{_WITHOUT[name]}: {error}"))
            return ()

    taken_at = slurm.fetch("squeue").started_at
    config = optional("config", lambda: [slurm.config()])
    return Facts(
        taken_at=taken_at,
        queue=slurm.queue(),
        nodes=slurm.nodes(),
        partitions=slurm.partitions(),
        config=config[0] if config else None,
        reservations=optional("reservations", slurm.reservations),
        qos=optional("qos", slurm.qos),
        associations=optional("assoc", slurm.associations),
        shares=optional("sshare", slurm.shares),
        priorities=optional("sprio", slurm.priorities),
        notes=tuple(notes),
    )
