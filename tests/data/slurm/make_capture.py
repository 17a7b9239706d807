"""Turns the recorded outputs of ``22.05/`` into ``22.05-capture/``: what the poller would have got.

The recordings name other fields, in another order, with ISO times; this script puts them into the
poller's own formats and invents nothing. What no recording shows is derived: GresUsed from
AllocTRES, ParentName from the indented tree, sinfo's StateComplete and AllocMem from scontrol.
Run from the checkout: ``python -m tests.data.slurm.make_capture``.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from tracker.slurm import sacct, sacctmgr, sinfo, sprio, squeue, sshare
from tracker.slurm.capture import Manifest, save_outputs
from tracker.slurm.commands import COMMANDS, FORMAT_ENV, accounting_argv
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.scontrol import read_blocks
from tracker.slurm.transports import Output

HERE = Path(__file__).parent
RECORDED = HERE / "22.05"
HISTORY_START = datetime(2026, 11, 23, 10, 30, 10, tzinfo=UTC)
TAKEN_AT = datetime(2026, 11, 23, 12, 30, 13, tzinfo=UTC)  # of squeue
# second of the minute 12:30 and duration of the recording each file comes from
STARTED = {
    "squeue": (13, 0.05), "sacct": (10, 0.30), "sinfo": (13, 0.02), "config": (14, 0.04),
    "nodes": (14, 0.03), "partitions": (14, 0.03), "reservations": (14, 0.02), "sprio": (14, 0.04),
    "sshare": (14, 0.02), "qos": (16, 0.38), "assoc": (15, 0.40), "sdiag": (14, 0.03),
}  # fmt: skip
# The one job whose name, comment and command line hold the delimiter; all of it in mid-row.
WITH_BAR = {"odd|name": "odd\x00name", "a|b=c": "a\x00b=c"}
SPRIO_RECORDED = (
    "job", "partition", "user", "priority", "age", "age_norm", "fair_share", "fair_share_norm",
    "job_size", "partition_factor", "qos", "assoc", "site", "nice", "tres",
)  # fmt: skip
SINFO_RECORDED = (
    "NodeList", "Partition", "StateLong", "StateCompact", "CPUsState", "Memory", "FreeMem",
    "Load", "Gres", "Features_act", "Weight", "Reason", "Timestamp", "User",
)  # fmt: skip
SQUEUE_RECORDED = (
    "JobID", "JobArrayID", "ArrayJobID", "ArrayTaskID", "UserName", "Account", "Partition", "QOS",
    "State", "StateCompact", "Reason", "ReasonList", "PriorityLong", "SubmitTime", "EligibleTime",
    "StartTime", "EndTime", "TimeLimit", "TimeUsed", "TimeLeft", "NumCPUs", "NumNodes", "NumTasks",
    "MinMemory", "tres-per-job", "tres-per-node", "tres-alloc", "GRES", "NodeList", "SchedNodes",
    "Dependency", "RestartCnt", "PreemptTime", "ReqNodes", "Feature", "Reservation", "Comment",
    "Command", "exit_code", "Name",
)  # fmt: skip


def recorded(file: str) -> str:
    path = RECORDED / file
    if path.exists():
        return path.read_text(encoding="utf-8")
    return gzip.decompress(path.with_name(f"{file}.gz").read_bytes()).decode("utf-8")


def epochs(text: str) -> str:
    """Every ISO time as SLURM_TIME_FORMAT=%s prints it."""

    def epoch(match: re.Match[str]) -> str:
        return str(int(datetime.fromisoformat(match[0]).replace(tzinfo=UTC).timestamp()))

    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", epoch, text)


def bar_rows(text: str, fields: Iterable[str]) -> list[dict[str, str]]:
    """Rows split at ``|``; a surplus belongs to the field before the last three, SubmitLine."""
    names = list(fields)
    rows = []
    for line in text.splitlines():
        for bar, mark in WITH_BAR.items():
            line = line.replace(bar, mark)  # noqa: PLW2901
        texts = line.split("|")
        if len(texts) > len(names):
            texts[len(names) - 4 : -3] = ["|".join(texts[len(names) - 4 : -3])]
        rows.append(dict(zip(names, (t.replace("\x00", "|") for t in texts), strict=True)))
    return rows


def headed_rows(file: str) -> list[dict[str, str]]:
    header, text = recorded(file).split("\n", 1)
    return bar_rows(text, header.split("|"))


def poller_rows(rows: Iterable[Mapping[str, str]], fields: Iterable[str], separator: str) -> str:
    names = list(fields)
    return "".join(separator.join(row[name] for name in names) + "\n" for row in rows)


def squeue_text() -> str:
    details = {
        row.raw("JobId"): row for row in read_blocks(recorded("jobs.txt"), "JobId", command="")
    }
    text = recorded("squeue_O.txt").split("\n", 1)[1]
    rows = []
    for row in bar_rows(text, SQUEUE_RECORDED):
        detail = details[row["JobID"]]
        rows.append(
            row
            | {
                "MinCpus": detail.raw("MinCPUsNode"),
                "OverSubscribe": detail.raw("OverSubscribe"),
                "WorkDir": detail.raw("WorkDir"),
                "tres-per-task": "N/A",
            }
        )
    return epochs(poller_rows(rows, squeue.FIELDS, SEPARATOR))


def sacct_text() -> str:
    """Without -D the last attempt of a job has all fields; -D adds earlier ones with a few."""
    full = {row["JobIDRaw"]: row for row in headed_rows("sacct_jobs.psv")}
    rows = [
        full[row["JobIDRaw"]] | row
        for row in headed_rows("sacct_dup.psv")
        if row["JobIDRaw"] in full
    ]
    for row in rows:
        if row["Submit"] != full[row["JobIDRaw"]]["Submit"]:
            row["DBIndex"] = ""  # that of the other attempt, as is the time elapsed
            start, end = (datetime.fromisoformat(row[field]) for field in ("Start", "End"))
            row["ElapsedRaw"] = str(int((end - start).total_seconds()))
    return epochs(poller_rows(rows, sacct.FIELDS, SEPARATOR))


def nodes_text() -> str:
    blocks = []
    for block in recorded("nodes.txt").split("\n\n"):
        used = re.findall(r"gres/gpu:(\w+)=(\d+)", block.partition("AllocTRES=")[2])
        gres = ",".join(f"gpu:{kind}:{count}" for kind, count in used) or "gpu:0"
        blocks.append(
            re.sub(r"(   Gres=.*\n)", rf"\1   GresDrain=N/A\n   GresUsed={gres}\n", block)
        )
    return epochs("\n\n".join(blocks))


def sinfo_text() -> str:
    nodes = {row.raw("NodeName"): row for row in read_blocks(nodes_text(), "NodeName", command="")}
    rows = []
    for row in bar_rows(recorded("sinfo_o.psv"), SINFO_RECORDED):
        node = nodes[row["NodeList"]]
        rows.append(
            row
            | {
                "StateComplete": node.raw("State").lower(),
                "AllocMem": node.raw("AllocMem"),
                "GresUsed": node.raw("GresUsed"),
                "Threads": node.raw("ThreadsPerCore"),
            }
        )
    return poller_rows(rows, sinfo.FIELDS, SEPARATOR)


def assoc_text() -> str:
    """sacctmgr names the parent of account rows only."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for row in headed_rows("assoc_tree.psv"):
        account = row["Account"].strip()
        if not row["User"]:
            depth = len(row["Account"]) - len(account)
            path[depth:] = [account]
            parents[account] = path[depth - 1] if depth else ""
    rows = [
        row
        | {
            "ParentName": "" if row["User"] else parents[row["Account"]],
            "DefaultQOS": row["Def QOS"],
        }
        for row in headed_rows("assoc.psv")
    ]
    return poller_rows(rows, sacctmgr.ASSOC_FIELDS, "|")


def sshare_text() -> str:
    rows = [row | {"Partition": ""} for row in headed_rows("sshare_a.psv")]
    return poller_rows(rows, sshare.FIELDS, "|")


def main(folder: Path = HERE / "22.05-capture") -> None:
    texts = {
        "squeue": squeue_text(),
        "sacct": sacct_text(),
        "sinfo": sinfo_text(),
        "config": epochs(recorded("config.txt")),
        "nodes": nodes_text(),
        "partitions": recorded("partitions.txt"),
        "reservations": epochs(recorded("reservations.txt")),
        "sprio": poller_rows(
            bar_rows(recorded("sprio_o.psv"), SPRIO_RECORDED), sprio.FIELDS, SEPARATOR
        ),
        "sshare": sshare_text(),
        "qos": poller_rows(headed_rows("qos.psv"), sacctmgr.QOS_FIELDS, "|"),
        "assoc": assoc_text(),
        "sdiag": recorded("sdiag.txt"),
    }
    outputs = {
        name: Output(
            name=name,
            argv=accounting_argv(HISTORY_START) if name == "sacct" else COMMANDS[name].argv,
            stdout=text,
            stderr="",
            rc=0,
            started_at=TAKEN_AT.replace(second=STARTED[name][0]),
            seconds=STARTED[name][1],
        )
        for name, text in texts.items()
    }
    manifest = Manifest("lab", "22.05.8", TAKEN_AT, FORMAT_ENV["TZ"])
    save_outputs(folder, manifest, outputs)


if __name__ == "__main__":
    main()
