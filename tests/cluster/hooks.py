"""What Slurm runs when a job ends: three programs that a test may replace while Slurm runs."""

from __future__ import annotations

from typing import Literal

from tests.cluster.place import Place

Hook = Literal["epilog", "epilogctld", "jobcomp"]  # as slurm.conf names them, under hooks/
HOOKS: tuple[Hook, ...] = ("epilog", "epilogctld", "jobcomp")
NOTHING = "#!/bin/sh\nexit 0\n"


class Hooks(Place):
    def set_hook(self, name: Hook, text: str) -> None:
        """The program's new text; jobs that end from now on meet it."""
        self.write(f"hooks/{name}", text, 0o755)

    def clear_hooks(self) -> None:
        for name in HOOKS:
            self.set_hook(name, NOTHING)
