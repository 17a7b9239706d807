"""Slurm's commands as small executables that print files: the edge of the service, faked."""

from __future__ import annotations

from pathlib import Path

from tracker.slurm.capture import read_capture

CAPTURE = Path(__file__).resolve().parents[1] / "data" / "slurm" / "22.05-capture"
# Which stored output a command line prints, by its words.
_SAID_BY = {
    "squeue": {"": "squeue"},
    "sacct": {"MaxRSS": "usage", "": "sacct"},
    "sinfo": {"": "sinfo"},
    "sprio": {"": "sprio"},
    "sshare": {"": "sshare"},
    "sdiag": {"": "sdiag"},
    "scontrol": {
        " config": "config",
        " node": "nodes",
        " partition": "partitions",
        " reservation": "reservations",
    },
    "sacctmgr": {" qos": "qos", " assoc": "assoc"},
}


class FakeSlurm:
    """A folder for PATH. ``calls`` tells what was asked, one command line each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "calls.log"
        outputs = read_capture(CAPTURE).transport.outputs
        for name, output in outputs.items():
            (folder / f"{name}.out").write_text(output.stdout, encoding="utf-8", newline="")
        self.says("usage", "")  # no capture holds it
        for program, cases in _SAID_BY.items():
            lines = [
                f'*"{words}"*) /bin/cat {folder}/{name}.out ;;' for words, name in cases.items()
            ]
            self.write(program, 'case "$*" in', *lines, "esac")

    def write(self, program: str, *lines: str) -> None:
        path = self.folder / program
        path.write_text("\n".join(["#!/bin/sh", f'echo "{program} $*" >> {self.log}', *lines, ""]))
        path.chmod(0o755)

    def says(self, command: str, text: str) -> None:
        """What a stored output is from now on."""
        (self.folder / f"{command}.out").write_text(text, encoding="utf-8", newline="")

    def fails(self, program: str, message: str, code: int = 1) -> None:
        self.write(program, f"echo '{message}' >&2", f"exit {code}")

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []
