"""sbatch: from options and a script to a request that the demo cluster can run, or a refusal."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from planner.demo import site
from planner.demo.jobs import Request, Script
from planner.demo.options import BatchCommand, script_options
from planner.demo.refusal import SlurmRefusalError
from tracker.slurm.durations import parse_minutes
from tracker.slurm.jobids import parse_tasks
from tracker.slurm.tres import parse_gres, parse_mem_mib

MAX_SCRIPT_BYTES = 4 * 1024 * 1024
_FAILED = "sbatch: error: Batch job submission failed: "
_COUNT = re.compile(r"[0-9]{1,6}", re.ASCII)
_LATER = re.compile(r"now(?:\+([0-9]{1,7})(seconds?|minutes?|hours?|days?)?)?", re.ASCII)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_ALWAYS_PASSED = ("PATH", "HOME", "LANG", "USER", "LOGNAME", "SHELL")
# Without --export a job gets these too. Slurm would pass everything; a service's environment holds
# secrets, so the demo passes what a job needs, and the two names that training scripts read.
_PASSED_BY_DEFAULT = ("TZ", "TRACKER_API", "EXPERIMENT_ID")


@dataclass(frozen=True, slots=True)
class Batch:
    """One accepted submission."""

    request: Request
    script: Script
    array_tasks: tuple[int, ...] = ()
    parsable: bool = False
    test_only: bool = False


def read_script(command: BatchCommand, work_dir: str, stdin: str | None) -> str | None:
    """The batch script's text; None if it must be read from the caller's standard input first."""
    if "wrap" in command.options:
        if command.script is not None:
            raise SlurmRefusalError(
                "sbatch: error: Script arguments not permitted with --wrap option"
            )
        return (
            f"#!/bin/sh\n# This script was created by sbatch --wrap.\n\n{command.options['wrap']}\n"
        )
    text = stdin if command.script is None else _read_file(Path(work_dir) / command.script)
    if text is not None:
        _check_script(text)
    return text


def _read_file(path: Path) -> str:
    try:
        # Neither a fifo nor a device: reading them may never end.
        if not path.is_file():
            raise FileNotFoundError(path)
        with path.open("rb") as file:
            return file.read(MAX_SCRIPT_BYTES + 1).decode("utf-8", "surrogateescape")
    except (OSError, ValueError):
        raise SlurmRefusalError(f"sbatch: error: Unable to open file {path.name}") from None


def _check_script(text: str) -> None:
    problem = None
    if not text.strip():
        problem = "Batch script is empty!"
    elif len(text) > MAX_SCRIPT_BYTES:
        problem = "Job script exceeds the maximum size"
    elif "\0" in text:
        problem = "The SLURM batch script contains a NULL character."
    elif not text.startswith("#!"):
        problem = (
            "This does not look like a batch script.  The first\n"
            "sbatch: error: line must start with #! followed by the path to an interpreter.\n"
            "sbatch: error: For instance: #!/bin/sh"
        )
    elif "\r\n" in text:
        problem = (
            "Batch script contains DOS line breaks (\\r\\n)\n"
            "sbatch: error: instead of expected UNIX line breaks (\\n)."
        )
    if problem:
        raise SlurmRefusalError(f"sbatch: error: {problem}")


def build(
    command: BatchCommand,
    text: str,
    *,
    user: str,
    cwd: str,
    environment: dict[str, str],
    now_at: float,
) -> Batch:
    """The submission as sbatch would make it. Raises SlurmRefusalError."""
    options = script_options(text) | command.options
    tasks, throttle = _array(options.get("array"))
    work_dir = str(Path(cwd) / options.get("chdir", ""))
    nodes, ntasks, cpus_per_task, per_cpu_mib, per_node_mib = _size(options)
    name = "wrap" if "wrap" in command.options else Path(command.script or "sbatch").name
    request = Request(
        name=options.get("job-name", name),
        user=user,
        account=options.get("account", site.DEMO_ACCOUNT),
        partitions=_names(options.get("partition"), site.DEFAULT_PARTITION),
        qos=options.get("qos", site.DEFAULT_QOS),
        limit_minutes=_limit_minutes(options),
        nodes=nodes,
        tasks=ntasks,
        cpus_per_task=cpus_per_task,
        mem_mib_per_node=per_node_mib,
        mem_mib_per_cpu=per_cpu_mib,
        gpus_per_node=_gpus(options, "gres") | _gpus(options, "gpus-per-node"),
        gpus_per_job=_gpus(options, "gpus"),
        features=tuple(word for word in options.get("constraint", "").split("&") if word),
        exclusive="exclusive" in options,
        begin_at=_begin(options.get("begin"), now_at),
        dependency=options.get("dependency", ""),
        array_throttle=throttle,
        held="hold" in options,
        requeue="no-requeue" not in options,
        comment=options.get("comment", ""),
        command="" if command.script is None else str(Path(cwd) / command.script),
        work_dir=work_dir,
        output=options.get("output", "slurm-%A_%a.out" if tasks else "slurm-%j.out"),
        error=options.get("error", ""),
        is_real=True,
    )
    script = Script(text, command.arguments, _exported(options.get("export"), environment))
    return Batch(request, script, tasks, "parsable" in options, "test-only" in options)


def _size(options: dict[str, str]) -> tuple[int | None, int, int, int, int | None]:
    """Nodes, tasks, CPUs a task, and memory per CPU and per node (MiB; None: all of the node's)."""
    nodes = _count(options, "nodes", first_of_range=True)
    tasks = _count(options, "ntasks")
    per_node = _count(options, "ntasks-per-node")
    if tasks is None:
        tasks = (nodes or 1) * (per_node or 1)
    cpus_per_task = _count(options, "cpus-per-task") or 1
    per_node_mib = _mem_mib(options, "mem")
    per_cpu_mib = _mem_mib(options, "mem-per-cpu")
    if per_node_mib is not None and per_cpu_mib is not None:
        raise SlurmRefusalError(
            "sbatch: fatal: --mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive."
        )
    if per_node_mib is None:
        return nodes, tasks, cpus_per_task, per_cpu_mib or site.DEF_MEM_PER_CPU_MIB, 0
    return nodes, tasks, cpus_per_task, 0, per_node_mib or None  # --mem=0: the whole node's


def _count(options: dict[str, str], name: str, *, first_of_range: bool = False) -> int | None:
    if name not in options:
        return None
    text = options[name]
    digits = text.split("-")[0] if first_of_range else text
    if not _COUNT.fullmatch(digits) or not int(digits):
        raise SlurmRefusalError(f'sbatch: error: invalid number "{text}" for --{name}')
    return int(digits)


def _mem_mib(options: dict[str, str], name: str) -> int | None:
    if name not in options:
        return None
    try:
        amount = parse_mem_mib(options[name].upper().removesuffix("B"))
    except ValueError:
        amount = None
    if amount is None:
        raise SlurmRefusalError(f"sbatch: error: Invalid --{name} specification")
    return amount


def _limit_minutes(options: dict[str, str]) -> int:
    """The limit asked for, or the default of the (first) partition, where it exists."""
    if "time" not in options:
        asked = _names(options.get("partition"), site.DEFAULT_PARTITION)[0]
        default_s = {p.name: p.default_s for p in site.PARTITIONS}.get(asked) or 3600.0
        return math.ceil(default_s / 60)
    try:
        minutes = parse_minutes(options["time"])
    except ValueError:
        minutes = None
    if not minutes:
        raise SlurmRefusalError("sbatch: error: Invalid --time specification")
    if math.isinf(minutes):
        raise SlurmRefusalError(
            f"{_FAILED}Requested time limit is invalid (missing or exceeds some limit)"
        )
    return int(minutes)


def _gpus(options: dict[str, str], name: str) -> dict[str, int]:
    """``gpu:a100:2`` of --gres; ``a100:2`` or ``2`` of the others."""
    text = options.get(name, "")
    if name != "gres" and text:
        text = f"gpu:{text}"
    try:
        gpus = parse_gres(text)
    except ValueError:
        gpus = {}
    if text and not gpus and text != "none":
        raise SlurmRefusalError(f"{_FAILED}Invalid generic resource (gres) specification")
    return gpus


def _array(text: str | None) -> tuple[tuple[int, ...], int | None]:
    if text is None:
        return (), None
    try:
        tasks, throttle = parse_tasks(text)
    except ValueError:
        tasks, throttle = (), None
    if not tasks or len(set(tasks)) != len(tasks) or max(tasks) >= site.MAX_ARRAY_TASKS:
        raise SlurmRefusalError(f"{_FAILED}Invalid job array specification")
    return tasks, throttle


def _begin(text: str | None, now_at: float) -> float | None:
    """``now+2hours``, ``now+60``, ``2026-11-24T08:00`` (UTC)."""
    if text is None:
        return None
    if later := _LATER.fullmatch(text):
        return now_at + int(later[1] or 0) * _UNIT_S[(later[2] or "s")[0]]
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise SlurmRefusalError("sbatch: error: Invalid --begin specification") from None


def _names(text: str | None, default: str) -> tuple[str, ...]:
    return tuple(name for name in (text or "").split(",") if name) or (default,)


def _exported(wanted: str | None, environment: dict[str, str]) -> dict[str, str]:
    """``ALL``, ``NONE``, and names with or without a value, as --export lists them."""
    names = _ALWAYS_PASSED if wanted is not None else _ALWAYS_PASSED + _PASSED_BY_DEFAULT
    passed = {name: environment[name] for name in names if name in environment}
    for word in (wanted or "").split(","):
        name, equals, value = word.partition("=")
        if word == "ALL":
            passed |= environment
        elif equals and name:
            passed[name] = value
        elif name in environment:
            passed[name] = environment[name]
    return passed
