"""The command line."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any, Callable, Sequence  # noqa: UP035 (Python 3.8)

from tracker.client.api import Api
from tracker.client.following import print_log
from tracker.client.planning import plan_script, submit_script
from tracker.client.server import ClientError, find_server
from tracker.client.starting import adopt_job, cancel_runs, show_status, start_again, start_runs
from tracker.client.sync import sync_spools
from tracker.client.terminal import tell


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

    def command(name: str, run: Callable[..., None], what: str, **words: Any) -> Callable[..., Any]:
        added = commands.add_parser(name, help=what, description=what, allow_abbrev=False)
        for word, kind in words.items():
            added.add_argument(word, type=kind, metavar=word.upper())
        added.add_argument("--json", action="store_true", help="print the service's answer")
        added.set_defaults(run=run, wrong_usage=added.error)
        return added.add_argument

    many: dict[str, Any] = {"action": "append", "default": []}
    add = command("start", start_runs, "start runs of an experiment", experiment_id=EXPERIMENT)
    add("--seeds", type=SEEDS, default=[], help="such as 1,2,3: a run each")
    add("--config", **many, metavar="FILE", help="JSON, an object or a list; - is standard input")
    add("--set", **many, type=PAIR, metavar="KEY=VALUE", help="in every configuration")
    add("--cluster", help="where; else where the experiment says")
    add("--partition", help="in place of the experiment's")
    add("--time", help="limit as sbatch takes it, in place of the experiment's")
    add("--request", **many, type=PAIR, metavar="KEY=VALUE", help="others, such as gres=gpu:2")
    command("status", show_status, "show a run", run_id=RUN)
    add = command("cancel", cancel_runs, "cancel runs")
    add("run_ids", nargs="*", type=RUN, metavar="RUN_ID")
    add("--mine", action="store_true", help="all that are yours")
    add("--cluster", help="with --mine: only those on this cluster")
    command("rerun", start_again, "start a run again", run_id=RUN)
    what = "follow a job of your own sbatch"
    command("adopt", adopt_job, what, experiment_id=EXPERIMENT, job_id=JOB)
    add = command("log", print_log, "print what a run's job has written", run_id=RUN)
    add("--follow", action="store_true", help="go on until the run has ended")
    add("--err", action="store_true", help="standard error in place of output")
    script = argparse.FileType(encoding="utf-8", errors="replace")
    for name, run, what in (
        ("plan", plan_script, "tell where and when a job would start"),
        ("submit", submit_script, "plan and submit"),
    ):
        add = command(name, run, f"{what}; sbatch's options may follow the script", script=script)
        add("--cluster", help="needed where there are several")
    add("--option", type=int, metavar="N", help="of the table; else the best")
    add("--partition", help="the best option there")
    add("--yes", action="store_true", help="do not ask")
    add = command("sync", sync_spools, "send what jobs without a way to the service have logged")
    add("path", nargs="?", help="a file or its folder; else where jobs put them")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    asked, options = _parser().parse_known_args(argv)
    if options and not hasattr(asked, "script"):
        asked.wrong_usage(f"unrecognized arguments: {' '.join(options)}")
    asked.options = options
    try:
        asked.run(Api(find_server(os.environ, Path.home())), asked)
    except (ClientError, KeyboardInterrupt) as error:
        tell(str(error) or "interrupted")
        return 1
    except BrokenPipeError:  # log RUN | head: what Python flushes at its exit must go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
