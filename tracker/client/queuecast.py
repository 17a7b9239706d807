#!/usr/bin/env python3
"""Plan jobs, and start, watch and end runs of Queuecast from a login node.

One file that needs nothing but Python 3.8. The service's address and a token of scope user come
from TRACKER_API=http://token:SECRET@host:port, else from QUEUECAST_URL and QUEUECAST_TOKEN, else
from ~/.config/queuecast.json, of mode 0600: {"url": "http://host:port", "token": "SECRET"}.
Exit codes: 0 done, 1 failed with the reason on standard error, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shlex
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Sequence  # noqa: UP035 (Python 3.8)
from urllib.parse import unquote, urlsplit

ANSWER_WITHIN_S = 10
GIVE_UP_AFTER_S = 30  # all attempts of one request, and the pauses between them
FOLLOW_EVERY_S = 2
FIRST_PAUSE_S = 0.5
PLAN_WITHIN_S = 90
OPEN = frozenset({"CREATED", "SUBMITTING", "PENDING", "RUNNING", "SUSPENDED", "UNKNOWN"})
CURE = (
    "set TRACKER_API=http://token:SECRET@host:port, or QUEUECAST_URL and QUEUECAST_TOKEN, or write "
    '{"url": "http://host:port", "token": "SECRET"} into ~/.config/queuecast.json (chmod 600)'
)


class ClientError(Exception):
    """What went wrong, for people."""

    status: int | None = None  # the server's


class BusyError(ClientError):
    """No answer, or one that asks for patience: the same request may be sent again."""

    again_after_s = 0


class Server(NamedTuple):
    url: str  # without userinfo and without a slash at its end
    token: str
    source: str  # where they were found


def find_server(environ: Mapping[str, str], home: Path) -> Server:
    for name in ("TRACKER_API", "QUEUECAST_URL"):
        if environ.get(name):
            return _server(environ[name], environ.get("QUEUECAST_TOKEN", ""), name)
    path = home / ".config/queuecast.json"
    try:
        mode, known = path.stat().st_mode, json.loads(path.read_text(encoding="utf-8"))
        url, token = str(known["url"]), str(known["token"])
    except FileNotFoundError:
        raise ClientError(f"nobody said where the service is: {CURE}") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ClientError(
            f"{path} cannot be used ({type(error).__name__}: {error}): {CURE}"
        ) from None
    if mode & 0o077:
        raise ClientError(f"{path} has mode {mode & 0o777:o}, others may see its token: chmod 600")
    return _server(url, token, str(path))


def _server(address: str, token: str, source: str) -> Server:
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:  # of urlsplit too; the address is not shown: it may hold a token
        raise ClientError(f"the address in {source} is none: {CURE}") from None
    token = unquote(parts.password or "") or token
    if not re.fullmatch(r"[!-~]+", token):
        raise ClientError(f"there is no token beside the address in {source}: {CURE}")
    host = parts.netloc.rpartition("@")[2]
    return Server(f"{parts.scheme}://{host}{parts.path.rstrip('/')}", token, source)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """urllib would carry the token to wherever it is sent, and turn a POST into a GET."""


class Api:
    """Requests to /api/v1. Each may be sent twice: starts carry a key, the rest is idempotent."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a GET, or to a POST of ``body``."""
        data = None if body is None else json.dumps(body).encode()
        deadline, pause_s = time.monotonic() + GIVE_UP_AFTER_S, FIRST_PAUSE_S
        while True:
            try:
                return self._ask_once(path, data, max(deadline - time.monotonic(), 1))
            except BusyError as error:
                wait_s = max(pause_s, error.again_after_s)
                if time.monotonic() + wait_s >= deadline:
                    raise ClientError(f"{error}; given up, try later") from None
                if pause_s == FIRST_PAUSE_S:
                    _tell(f"{error}; trying again for {GIVE_UP_AFTER_S} s")
            time.sleep(wait_s)
            pause_s *= 2

    def _ask_once(self, path: str, data: bytes | None, left_s: float) -> dict[str, Any]:
        url, token, source = self.server
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{url}/api/v1{path}", data, headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=min(left_s, ANSWER_WITHIN_S)) as response:
                answer: dict[str, Any] = json.loads(response.read())
                return answer
        except urllib.error.HTTPError as error:
            refusal = self._refusal(error)
            refusal.status = error.code
            raise refusal from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                cure = "name your site's certificates in SSL_CERT_FILE"
                raise ClientError(f"{url} is not trusted ({reason}): {cure}") from None
            raise BusyError(f"{url} does not answer ({reason})") from None
        except ValueError:
            raise ClientError(f"{url} is not Queuecast: correct {source}") from None

    def _refusal(self, error: urllib.error.HTTPError) -> ClientError:
        (url, _, source), code = self.server, error.code
        try:
            with error:
                detail = str(json.loads(error.read())["detail"])
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
            detail = f"{url} answered {code} {error.reason}"
        if code in (429, 502, 503, 504):
            busy = BusyError(f"{url} is busy ({code}: {detail})")
            after = error.headers.get("Retry-After") or ""
            busy.again_after_s = int(after) if re.fullmatch("[0-9]{1,6}", after) else 0
            return busy
        if 300 <= code < 400:
            return ClientError(f"{url} moved to {error.headers['Location']}: correct {source}")
        return ClientError(f"{detail} (token of {source})" if code == 401 else detail)


def start(api: Api, asked: argparse.Namespace) -> None:
    named = {"partition": asked.partition, "time": asked.time}
    body = {
        "seeds": asked.seeds,
        "configs": list(_configs(asked.config, asked.set)),
        "request": {**dict(asked.request), **{k: v for k, v in named.items() if v}},
        "cluster": asked.cluster,
        "key": uuid.uuid4().hex,
    }
    _show_started(api.ask(f"/experiments/{asked.experiment_id}/start", body), asked)


def rerun(api: Api, asked: argparse.Namespace) -> None:
    _show_started(api.ask(f"/runs/{asked.run_id}/rerun", {"key": uuid.uuid4().hex}), asked)


def status(api: Api, asked: argparse.Namespace) -> None:
    run = api.ask(f"/runs/{asked.run_id}")
    told = {name: value for name, value in run.items() if not isinstance(value, (dict, list))}
    estimate = run.get("estimate") or {}
    told.update({f"start by {name}": estimate.get(name) for name in ("p50", "p90")})
    _show(run, asked, *(f"{k:<14} {v}" for k, v in told.items() if v not in (None, "")))


def cancel(api: Api, asked: argparse.Namespace) -> None:
    if asked.mine == bool(asked.run_ids):
        asked.wrong_usage("give the ids of runs, or --mine")
    if asked.mine:
        answer = api.ask("/runs/cancel-mine", {"cluster": asked.cluster})
        _show(answer, asked, f"asked to cancel {answer.get('runs')} runs")
    problems = []
    for run_id in asked.run_ids:  # one that cannot be cancelled does not keep the others running
        try:
            answer = api.ask(f"/runs/{run_id}/cancel", {})
            _show({"run_id": run_id, **answer}, asked, f"asked to cancel {run_id}")
        except ClientError as error:
            problems.append(f"{run_id}: {error}")
    if problems:
        raise ClientError("\n".join(problems))


def adopt(api: Api, asked: argparse.Namespace) -> None:
    body = {"slurm_job_id": asked.job_id}
    answer = api.ask(f"/experiments/{asked.experiment_id}/adopt", body)
    _show(answer, asked, f"run {answer.get('run_id')}")


def log(api: Api, asked: argparse.Namespace) -> None:
    path = f"/runs/{asked.run_id}/log?stream={'err' if asked.err else 'out'}"
    end, waits_for = 0, ""
    while True:
        # Asked before the log is read, so that nothing is missed that was written before the end.
        is_open = asked.follow and api.ask(f"/runs/{asked.run_id}").get("status") in OPEN
        try:
            end = _show_log(api, path, end, asked)
        except ClientError as error:
            if not is_open or error.status not in (404, 409):
                raise
            if waits_for != str(error):  # there is no log before the job has started
                waits_for = str(error)
                _tell(f"{error} (waiting)")
        if not is_open:
            return
        time.sleep(FOLLOW_EVERY_S)


def _show_log(api: Api, path: str, end: int, asked: argparse.Namespace) -> int:
    """Everything from byte ``end`` to the present end of the file, which is returned."""
    while True:
        piece = api.ask(f"{path}&start={end}")
        if piece["truncated"]:
            _tell("the log was begun anew")
        if piece["text"]:
            _write(json.dumps(piece) + "\n" if asked.json else piece["text"])
        if piece["end"] in (end, piece["size"]):
            return int(piece["end"])
        end = piece["end"]


def plan(api: Api, asked: argparse.Namespace) -> None:
    answer = _planned(api, asked)
    _show(answer, asked, *answer["text"])


def submit(api: Api, asked: argparse.Namespace) -> None:
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
    _tell("\n".join(["", *answer["text"], "", shlex.join(command), "submit this? [y/N]"]))
    if not asked.yes and sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ClientError("nothing was submitted: answer y, or give --yes")
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ClientError(f"nothing was submitted: {error}") from None
    _show({"command": command, "sbatch": said}, asked, said.rstrip("\n"))


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


def _configs(files: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    changes = {key: _value(text) for key, text in pairs}
    for name in files:
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
            given = json.loads(text)
        except (OSError, ValueError) as error:
            raise ClientError(f"--config {name} cannot be read as JSON: {error}") from None
        for config in given if isinstance(given, list) else [given]:
            if not isinstance(config, dict):
                raise ClientError(f"--config {name} holds {config!r}: give an object or a list")
            yield {**config, **changes}
    if changes and not files:
        yield changes


def _value(text: str) -> Any:
    """JSON where it can be, so that lr=3e-4 is a number; else the text itself."""
    with suppress(ValueError):
        return json.loads(text)
    return text


def _show_started(answer: dict[str, Any], asked: argparse.Namespace) -> None:
    lines = (f"{run['run_id']}  {run['status']}  seed {run['seed']}" for run in answer["runs"])
    _show(answer, asked, f"submission {answer.get('submission_id')}", *lines)


def _show(answer: dict[str, Any], asked: argparse.Namespace, *lines: str) -> None:
    _write((json.dumps(answer) if asked.json else "\n".join(lines)) + "\n")


def _write(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"  # of an old login node, Latin-1 for example
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _tell(message: str) -> None:
    sys.stderr.write(f"queuecast: {message}\n")


def _word(pattern: str, cure: str, read: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """A type of argparse: what does not match is wrong usage."""

    def parse(text: str) -> Any:
        if not re.fullmatch(pattern, text, re.DOTALL):
            raise argparse.ArgumentTypeError(f'"{text}" will not do: give {cure}')
        return read(text)

    return parse


RUN = _word("[0-9a-fA-F]{32}", "a run id of 32 hex digits", str.lower)
EXPERIMENT = _word("[0-9]{1,18}", "the number of an experiment", int)
JOB = _word("[0-9]{1,10}(_[0-9]{1,10})?", "a job id such as 828 or 12_3")
SEEDS = _word("-?[0-9]+(,-?[0-9]+)*", "such as 1,2,3", lambda t: [int(s) for s in t.split(",")])
PAIR = _word("[^=]+=.*", "KEY=VALUE", lambda text: tuple(text.split("=", 1)))


def _parser() -> argparse.ArgumentParser:
    about, _, more = (__doc__ or "").partition("\n")
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=about, epilog=more, formatter_class=plain)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(run: Callable[..., None], what: str, **words: Any) -> Callable[..., Any]:
        added = commands.add_parser(run.__name__, help=what, description=what, allow_abbrev=False)
        for name, kind in words.items():
            added.add_argument(name, type=kind, metavar=name.upper())
        added.add_argument("--json", action="store_true", help="print the service's answer")
        added.set_defaults(run=run, wrong_usage=added.error)
        return added.add_argument

    many: dict[str, Any] = {"action": "append", "default": []}
    add = command(start, "start runs of an experiment", experiment_id=EXPERIMENT)
    add("--seeds", type=SEEDS, default=[], help="such as 1,2,3: a run each")
    add("--config", **many, metavar="FILE", help="JSON, an object or a list; - is standard input")
    add("--set", **many, type=PAIR, metavar="KEY=VALUE", help="in every configuration")
    add("--cluster", help="where; else where the experiment says")
    add("--partition", help="in place of the experiment's")
    add("--time", help="limit as sbatch takes it, in place of the experiment's")
    add("--request", **many, type=PAIR, metavar="KEY=VALUE", help="others, such as gres=gpu:2")
    command(status, "show a run", run_id=RUN)
    add = command(cancel, "cancel runs")
    add("run_ids", nargs="*", type=RUN, metavar="RUN_ID")
    add("--mine", action="store_true", help="all that are yours")
    add("--cluster", help="with --mine: only those on this cluster")
    command(rerun, "start a run again", run_id=RUN)
    command(adopt, "follow a job of your own sbatch", experiment_id=EXPERIMENT, job_id=JOB)
    add = command(log, "print what a run's job has written", run_id=RUN)
    add("--follow", action="store_true", help="go on until the run has ended")
    add("--err", action="store_true", help="standard error in place of output")
    script = argparse.FileType(encoding="utf-8", errors="replace")
    for run, what in ((plan, "tell where and when a job would start"), (submit, "plan and submit")):
        add = command(run, f"{what}; sbatch's options may follow the script", script=script)
        add("--cluster", help="needed where there are several")
    add("--option", type=int, metavar="N", help="of the table; else the best")
    add("--partition", help="the best option there")
    add("--yes", action="store_true", help="do not ask")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    asked, options = _parser().parse_known_args(argv)
    if options and not hasattr(asked, "script"):
        asked.wrong_usage(f"unrecognized arguments: {' '.join(options)}")
    asked.options = options
    try:
        asked.run(Api(find_server(os.environ, Path.home())), asked)
    except (ClientError, KeyboardInterrupt) as error:
        _tell(str(error) or "interrupted")
        return 1
    except BrokenPipeError:  # log RUN | head: what Python flushes at its exit must go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
