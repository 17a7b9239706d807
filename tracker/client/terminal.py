"""What people and pipes read."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

MANY = 50  # different lines that tell_once tells
_TOLD: set[str] = set()


def show(answer: dict[str, Any], asked: argparse.Namespace, *lines: str) -> None:
    """The lines, or the service's answer where --json asks for it."""
    write((json.dumps(answer) if asked.json else "\n".join(lines)) + "\n")


def write(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"  # of an old login node, Latin-1 for example
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def tell(message: str) -> None:
    """On standard error, which a job may have closed."""
    try:
        sys.stderr.write(f"queuecast: {message}\n")
    except (OSError, ValueError, AttributeError, RuntimeError):  # the last: in a signal handler
        return


def tell_once(about: str, message: str) -> None:
    """A training logs a million times: one line tells what is wrong with all of them."""
    if about not in _TOLD and len(_TOLD) < MANY:
        _TOLD.add(about)
        tell(message)
