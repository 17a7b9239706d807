"""What a poller would have heard from the demo cluster in the weeks before its first start."""

from __future__ import annotations

import random
import shlex
from datetime import UTC, datetime

from planner.demo.calls import Call
from planner.demo.commands import answer
from planner.demo.controller import Controller
from planner.sim.config import DAY_S
from tracker.slurm.commands import COMMANDS, FORMAT_ENV, Command, accounting_argv
from tracker.slurm.transports import Output

LEARNING_DAYS = 7  # unseen: the cluster begins empty, and history must have something to tell
LOOKS_A_DAY = 6
# sacct tells of the past, and is asked when the service starts; sinfo is not polled.
_ASKED = tuple(command for name, command in COMMANDS.items() if name not in ("sacct", "sinfo"))


class PastPoller:
    """Looks at the cluster some times a day, at uneven hours; ``outputs`` are what it heard.

    The commands and their text are those of a live poll, and the answers come at once.
    """

    def __init__(self, seed: int = 1) -> None:
        self.outputs: list[Output] = []
        self.looked_at: list[datetime] = []
        self._chance = random.Random(seed)  # noqa: S311 (when to look, not a secret)

    def instants(self, born_at: int, now_at: int) -> list[int]:
        """One in each part of a day, anywhere in it: fixed hours would see only their own load."""
        part_s = DAY_S / LOOKS_A_DAY
        parts = int((now_at - born_at) / part_s)
        instants = [
            int(born_at + part_s * (part + self._chance.random()))
            for part in range(LEARNING_DAYS * LOOKS_A_DAY, parts)
        ]
        if instants:
            self.outputs.append(_nothing_accounted(born_at))
        return instants

    def look(self, controller: Controller) -> None:
        moment = datetime.fromtimestamp(controller.now_at, UTC)
        self.looked_at.append(moment)
        self.outputs += [_ask(controller, command, moment) for command in _ASKED]


def _nothing_accounted(born_at: int) -> Output:
    """What sacct says to the first who ask. Whoever asks next for what came since hears all."""
    moment = datetime.fromtimestamp(born_at, UTC)
    return Output("sacct", accounting_argv(moment), "", "", 0, moment, 0.0)


def _ask(controller: Controller, command: Command, moment: datetime) -> Output:
    program, *arguments = command.argv
    said = answer(controller, Call(program, tuple(arguments), environment=FORMAT_ENV))
    if said.rc:
        raise ValueError(f"{shlex.join(command.argv)} failed on the demo cluster: {said.stderr}")
    return Output(command.name, command.argv, said.stdout, said.stderr, said.rc, moment, 0.0)
