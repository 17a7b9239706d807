"""What a batch script and its options ask for, as a request to plan with.

Options that the model knows become fields of ``planner.asking.request.request_of``; the others are
handed back as they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from planner.asking.asked import MODELLED, Word, fields_of
from planner.asking.request import GPU_OPTIONS
from tracker.slurm.directives import read_directive
from tracker.slurm.durations import format_duration
from tracker.slurm.script import ScriptError, read_lines

# Every long option of sbatch 20.11 to 25.11. Others may be a plug-in's, or typed wrongly.
SBATCH_OPTIONS = frozenset({
    "account", "acctg-freq", "array", "batch", "bb", "bbf", "begin", "chdir", "cluster",
    "cluster-constraint", "clusters", "comment", "consolidate-segments", "constraint", "container",
    "container-id", "contiguous", "core-spec", "cores-per-socket", "cpu-freq", "cpus-per-gpu",
    "cpus-per-task", "deadline", "debugger-test", "delay-boot", "dependency", "distribution",
    "error", "exclude", "exclusive", "export", "export-file", "extra", "extra-node-info",
    "get-user-env", "gid", "gpu-bind", "gpu-freq", "gpus", "gpus-per-node", "gpus-per-socket",
    "gpus-per-task", "gres", "gres-flags", "help", "hint", "hold", "ignore-pbs", "input",
    "job-name", "kill-on-invalid-dep", "licenses", "mail-type", "mail-user", "mcs-label", "mem",
    "mem-bind", "mem-per-cpu", "mem-per-gpu", "mincpus", "network", "nice", "no-kill", "no-requeue",
    "nodefile", "nodelist", "nodes", "ntasks", "ntasks-per-core", "ntasks-per-gpu",
    "ntasks-per-node", "ntasks-per-socket", "oom-kill-step", "open-mode", "output", "overcommit",
    "oversubscribe", "parsable", "partition", "power", "prefer", "priority", "profile", "propagate",
    "qos", "quiet", "reboot", "requeue", "reservation", "resv-ports", "segment", "signal",
    "sockets-per-node", "spread-job", "spread-segments", "stepmgr", "switches", "test-only",
    "thread-spec", "threads-per-core", "time", "time-min", "tmp", "tres-bind", "tres-per-task",
    "uid", "usage", "use-min-nodes", "verbose", "version", "wait", "wait-all-nodes", "wckey",
    "wrap",
})  # fmt: skip
# By the field's name, the option that it is; gpus and what belongs to them: see _words.
_OPTIONS = {
    "name": "job-name", "account": "account", "qos": "qos", "partition": "partition",
    "nodes": "nodes", "ntasks": "ntasks", "cpus": "cpus-per-task", "mem": "mem",
    "constraint": "constraint", "exclusive": "exclusive", "time": "time", "begin": "begin",
    "deadline": "deadline",
}  # fmt: skip
# Of options for the same thing those of a command line replace all that a script says of it.
_SAME = (
    frozenset({"mem", "mem-per-cpu", "mem-per-gpu"}),
    frozenset({"gpus", "gpus-per-node", "gpus-per-task", "gres"}),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """``fields`` as ``request_of`` takes them; ``ignored`` is what the plan does not consider, in
    the order given."""

    fields: dict[str, Any]
    ignored: tuple[str, ...] = ()


def asked_by_script(
    text: str,
    now: datetime,
    *,
    options: Iterable[str] = (),
    fields: Mapping[str, Any] | None = None,
) -> Asked:
    """The script, below words of sbatch's command line, below validated fields of the form.

    ``now``: see ``planner.asking.instants``. Raises ScriptError, which names line, value and cure.
    """
    # A browser sends what is pasted with the line ends of DOS; sbatch refuses files that have them.
    lines = read_lines(text.replace("\r\n", "\n")) if text else []
    script = [Word(name, value, f"line {number}, ") for number, name, value in lines]
    given = fields or {}
    asked = _asked(now, script, _command_line(options), _words(given))
    if given.get("gpu_type"):  # alone it says nothing of how many
        asked.fields["gpu_type"] = given["gpu_type"]
    return asked


def as_text(fields: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Validated fields as they are typed; what is not said is left out."""
    told: dict[str, str | list[str]] = {}
    for name, value in fields.items():
        match name, value:
            case _, None | "" | () | False:
                continue
            case "partition", names:
                told[name] = list(names)
            case "mem", mem_mib:
                told[name] = f"{mem_mib}M"
            case "time", minutes:
                told[name] = format_duration(minutes * 60)
            case "constraint", features:
                told[name] = "&".join(features)
            case (("begin" | "deadline"), moment):
                told[name] = moment.isoformat()
            case _:
                told[name] = "on" if value is True else str(value)
    return told


def _command_line(words: Iterable[str]) -> list[Word]:
    quoted = ('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    try:
        return [Word(name, value, "") for name, value in read_directive(" ".join(quoted))]
    except ValueError as error:
        raise ScriptError(f"{error}.") from error


def _words(fields: Mapping[str, Any]) -> list[Word]:
    """Fields as options, so that those of a script know of them: --nodes=2 doubles its --gres."""
    given = {name: value for name, value in fields.items() if name in _OPTIONS}
    text = {name: ",".join(value) if isinstance(value, list) else value
            for name, value in as_text(given).items()}  # fmt: skip
    if fields.get("gpus"):
        option = fields.get("gpus_option") or "gpus"
        nodes = 1 if option == "gpus" else fields.get("nodes") or 1
        if fields["gpus"] % nodes:
            raise ScriptError(
                f"{nodes} nodes cannot have equal shares of {fields['gpus']} GPUs; give a multiple."
            )
        of_type = f"{fields['gpu_type']}:" if fields.get("gpu_type") else ""
        text[option] = f"{GPU_OPTIONS[option]}{of_type}{fields['gpus'] // nodes}"
    if fields.get("mem_per_cpu") and "mem" in text:
        text["mem-per-cpu"] = text.pop("mem")
    return [
        Word(_OPTIONS.get(name, name), None if name == "exclusive" else value, "")
        for name, value in text.items()
    ]


def _asked(now: datetime, *sources: list[Word]) -> Asked:
    """Of sources in rising rank: the later wins over the earlier."""
    known: dict[str, Word] = {}
    ignored: dict[str, None] = {}
    for source in sources:
        for word in source:
            _check_name(word)
        names = {word.name for word in source}
        rivals = {rival for same in _SAME if names & same for rival in same}
        known = {name: word for name, word in known.items() if name not in rivals}
        known |= {word.name: word for word in source if word.name in MODELLED}
        ignored |= {str(word): None for word in source if word.name not in MODELLED}
    fields, left_out = fields_of(known, now)
    return Asked(fields, (*ignored, *left_out))


def _check_name(word: Word) -> None:
    if word.name in SBATCH_OPTIONS:
        return
    typed = word.name.lower().replace("_", "-")
    for name in sorted(SBATCH_OPTIONS):
        if typed == name or _is_a_slip_from(typed, name):
            raise ScriptError(f"{word.where}--{word.name} is no option of sbatch; write --{name}.")


def _is_a_slip_from(typed: str, name: str) -> bool:
    """One letter more, one less, another one, or two swapped."""
    if len(typed) != len(name):
        shorter, longer = sorted((typed, name), key=len)
        return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))
    wrong = [at for at, (one, other) in enumerate(zip(typed, name, strict=True)) if one != other]
    return len(wrong) == 1 or (
        len(wrong) == 2
        and wrong[1] == wrong[0] + 1
        and typed[wrong[0]] + typed[wrong[1]] == name[wrong[1]] + name[wrong[0]]
    )
