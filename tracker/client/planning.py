"""The commands that plan a script, and submit what was planned."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from typing import Any

from tracker.client.api import FIRST_PAUSE_S, Api
from tracker.client.server import ClientError
from tracker.client.terminal import show, tell

PLAN_WITHIN_S = 90


def plan_script(api: Api, asked: argparse.Namespace) -> None:
    answer = _planned(api, asked)
    show(answer, asked, *answer["text"])


def submit_script(api: Api, asked: argparse.Namespace) -> None:
    answer = _planned(api, asked)
    options, default = answer["options"], answer["default"]
    allowed = (one for one in enumerate(options, 1) if one[1]["allowed"])
    numbered = (option for number, option in allowed if asked.option in (None, number))
    meant = [one for one in numbered if asked.partition in (None, one["partition"])]
    if not meant:
        raise ClientError("there is no such option that is allowed: see queuecast plan")
    # Only what differs from what the script asks for: said twice it may contradict itself.
    same = () if default is None else options[default]["sbatch_args"]
    changed = (word for word in meant[0]["sbatch_args"] if word not in same)
    command = ["sbatch", *asked.options, *changed, asked.script.name]
    tell("\n".join(["", *answer["text"], "", shlex.join(command), "submit this? [y/N]"]))
    if not asked.yes and sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ClientError("nothing was submitted: answer y, or give --yes")
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ClientError(f"nothing was submitted: {error}") from None
    show({"command": command, "sbatch": said}, asked, said.rstrip("\n"))


def _planned(api: Api, asked: argparse.Namespace) -> dict[str, Any]:
    """The whole answer, or what there is of it when patience ends."""
    with asked.script as file:
        body = {"script": file.read(), "options": asked.options, "cluster": asked.cluster or ""}
    offset_minutes, began_s = time.localtime().tm_gmtoff // 60, time.monotonic()
    answer = api.ask("/plan", {**body, "utc_offset_minutes": offset_minutes})
    while not answer.get("complete") and time.monotonic() < began_s + PLAN_WITHIN_S:
        time.sleep(FIRST_PAUSE_S)
        answer = api.ask(answer["location"].partition("/api/v1")[2])
    if "options" not in answer:
        raise ClientError(f"there is no plan after {PLAN_WITHIN_S} s: try later")
    named = shlex.quote(asked.script.name)
    return {**answer, "text": [line.replace("SCRIPT.sh", named) for line in answer["text"]]}
