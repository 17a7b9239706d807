"""Every command of the demo cluster: ask its server, print the answer.

A script of its own, run by the executables in the demo's bin folder for every poll: it imports
nothing that starts slowly.
"""

from __future__ import annotations

import json
import os
import socket
import sys

TYPE_CHECKING = False  # the module typing costs a third of the start-up time
if TYPE_CHECKING:
    from typing import Any, TextIO

PATIENCE_S = 60
SHOWN_AS = ("TZ", "SLURM_TIME_FORMAT")  # all that a question needs of the environment


def main(arguments: list[str]) -> int:
    """``arguments``: the server's socket, the command, and what was typed behind it."""
    path, command, *typed = arguments
    question: dict[str, object] = {
        "command": command,
        "arguments": typed,
        "cwd": os.getcwd(),  # noqa: PTH109 (pathlib takes longer to import than all the rest)
        "environment": dict(os.environ)
        if command == "sbatch"
        else {name: os.environ[name] for name in SHOWN_AS if name in os.environ},
    }
    try:
        answer = ask(path, question)
        if answer["wants_stdin"]:
            answer = ask(path, question | {"stdin": sys.stdin.read()})
    except (OSError, ValueError):
        what = "slurm_load_jobs error" if command == "squeue" else f"{command}: error"
        sys.stderr.write(f"{what}: Unable to contact slurm controller (connect failure)\n")
        return 1
    _write(sys.stderr, answer["stderr"])
    _write(sys.stdout, answer["stdout"])
    return int(answer["rc"])


def ask(path: str, question: dict[str, object]) -> dict[str, Any]:
    """One question, one answer, both as JSON. Raises OSError if nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(path)
        connection.sendall(json.dumps(question).encode())
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    answer: dict[str, Any] = json.loads(received)
    return answer


def _write(stream: TextIO, text: str) -> None:
    stream.buffer.write(text.encode("utf-8", "surrogateescape"))
    stream.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BrokenPipeError, KeyboardInterrupt):
        # The reader of a pipe such as `squeue | head` has seen enough.
        os._exit(1)
