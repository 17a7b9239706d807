"""The command that prints what a run's job has written."""

from __future__ import annotations

import argparse
import json
import time

from tracker.client.api import Api
from tracker.client.server import ClientError
from tracker.client.terminal import tell, write

FOLLOW_EVERY_S = 2
OPEN = frozenset({"CREATED", "SUBMITTING", "PENDING", "RUNNING", "SUSPENDED", "UNKNOWN"})


def print_log(api: Api, asked: argparse.Namespace) -> None:
    path = f"/runs/{asked.run_id}/log?stream={'err' if asked.err else 'out'}"
    end, waits_for = 0, ""
    while True:
        # Asked before the log is read, so that nothing is missed that was written before the end.
        is_open = asked.follow and api.ask(f"/runs/{asked.run_id}").get("status") in OPEN
        try:
            end = _print_from(api, path, end, asked)
        except ClientError as error:
            if not is_open or error.status not in (404, 409):
                raise
            if waits_for != str(error):  # there is no log before the job has started
                waits_for = str(error)
                tell(f"{error} (waiting)")
        if not is_open:
            return
        time.sleep(FOLLOW_EVERY_S)


def _print_from(api: Api, path: str, end: int, asked: argparse.Namespace) -> int:
    """Everything from byte ``end`` to the present end of the file, which is returned."""
    while True:
        piece = api.ask(f"{path}&start={end}")
        if piece["truncated"]:
            tell("the log was begun anew")
        if piece["text"]:
            write(json.dumps(piece) + "\n" if asked.json else piece["text"])
        if piece["end"] in (end, piece["size"]):
            return int(piece["end"])
        end = piece["end"]
