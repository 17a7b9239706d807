"""How a run begins: what it is, from arguments and from Slurm's environment, and its recorder."""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any, Iterable, Mapping, NamedTuple  # noqa: UP035 (Python 3.8)

from tracker.client.api import Api
from tracker.client.delivery import Delivery, RunHead
from tracker.client.recorder import Recorder
from tracker.client.run import Run
from tracker.client.server import ClientError, find_server
from tracker.client.spool import Spool, spool_folders
from tracker.client.surroundings import surroundings, without_secrets
from tracker.client.sync import send_left_behind
from tracker.client.terminal import tell
from tracker.client.values import json_value, line_of, stored_text

CONFIG_BYTES = 900_000  # the service takes 1 MB a request
RUN_NAME_CHARS = 200  # of a longer one the service would refuse the run


class Wish(NamedTuple):
    """What the script says of its run."""

    experiment: int | str | None
    config: Any
    seed: int | None
    name: str | None
    tags: Mapping[str, str] | Iterable[str] | None
    key: str | None
    run_id: str | None
    cluster: str | None
    is_first: bool  # of this process


def begin_run(wish: Wish, environ: Mapping[str, str]) -> Run:
    """Raises ClientError where not even the experiment is known."""
    head, home = _head(wish, environ), _home()
    try:
        api = Api(find_server(environ, home))
    except ClientError as error:
        tell(f"{error}\nqueuecast: what is logged waits in the spool for queuecast.py sync")
        api = None
    job = f"job{head.create['slurm_job_id']}" if head.attempt is not None else "local"
    folders = spool_folders(environ, home)
    name = f"{job}-{head.attempt or 0}-{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def header() -> bytes:
        known = delivery.run_id if delivery else ""
        return head._replace(run_id=known or head.run_id).line()

    def in_background(recorder: Recorder) -> None:
        if api and head.attempt:
            send_left_behind(api, folders, tuple(f"{job}-{n}-" for n in range(head.attempt)))
        recorder.put({"words": _words(wish, head, environ)})

    spool = Spool(folders, name, header)
    delivery = Delivery(api, spool.refuse) if api else None
    recorder = Recorder(spool, delivery, in_background)
    recorder.put({"status": {"status": "RUNNING"}})
    return Run(recorder, in_job=head.attempt is not None)


def _head(wish: Wish, environ: Mapping[str, str]) -> RunHead:
    experiment = str(wish.experiment or environ.get("EXPERIMENT_ID", ""))
    if not re.fullmatch("[0-9]{1,18}", experiment) and wish.run_id is None:
        raise ClientError(f'experiment is "{experiment}": give its number, or set EXPERIMENT_ID')
    job = environ.get("SLURM_JOB_ID")
    create = {
        "slurm_job_id": int(job) if job else None,
        "seed": None if wish.seed is None else int(wish.seed),
        "config": _config(wish.config),
        # outside of Slurm nothing else tells a create that was sent twice from two runs
        "key": wish.key or ("" if job else uuid.uuid4().hex),
        "cluster": wish.cluster,
        "name": _name(wish),  # news of its start call it by its name
    }
    attempt = int(environ.get("SLURM_RESTART_COUNT") or 0) if job else None
    cluster = environ.get("SLURM_CLUSTER_NAME", "")
    return RunHead(experiment, create, attempt, wish.run_id, _started(wish, environ), cluster)


def _name(wish: Wish) -> str:
    return stored_text(str(wish.name or ""))[:RUN_NAME_CHARS]


def _started(wish: Wish, environ: Mapping[str, str]) -> str:
    """The run that Queuecast has started this job for, if this is that one; else empty."""
    run_id, is_its_seed = environ.get("RUN_ID", ""), environ.get("SEED") == str(wish.seed)
    is_meant = wish.is_first and (wish.seed is None or is_its_seed)
    return run_id if is_meant and re.fullmatch("[0-9a-f]{32}", run_id) else ""


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # in a container that does not know its user
        return Path(tempfile.gettempdir())


def _config(given: Any) -> dict[str, Any]:
    """A mapping, or the attributes of an object such as argparse's Namespace."""
    mapping = given if isinstance(given, Mapping) else vars(given) if given else {}
    config: dict[str, Any] = without_secrets(json_value(mapping))
    size = len(line_of(config))
    if size > CONFIG_BYTES:
        tell(f"the configuration has {size} bytes, more than {CONFIG_BYTES}: it is left out")
        return {}
    return config


def _words(wish: Wish, head: RunHead, environ: Mapping[str, str]) -> dict[str, Any]:
    words: dict[str, Any] = {"surroundings": json_value(surroundings(environ, sys.argv))}
    if head.attempt:  # somebody may have renamed it since it began
        return words
    if wish.name:
        words["name"] = _name(wish)
    if wish.tags:
        tags = wish.tags if isinstance(wish.tags, Mapping) else dict.fromkeys(wish.tags, "")
        words["tags"] = {
            stored_text(str(name)): stored_text(str(value)) for name, value in tags.items()
        }
    return words
