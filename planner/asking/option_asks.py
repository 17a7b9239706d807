"""From an option's sbatch line to the fields that an experiment is started with. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tracker.slurm.batch import FIELD_BY_OPTION

GPU_OPTIONS = ("gpus", "gpus-per-node")
OF_THE_FORM = (
    "partition", "qos", "account", "nodes", "ntasks", "cpus_per_task", "mem", "gres",
    "time_limit_minutes", "constraint", "begin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asks:
    """``fields`` of BatchOptions with values as typed; ``left_out``: options that have none."""

    fields: dict[str, str]
    left_out: tuple[str, ...]


def asks_of(sbatch_args: Iterable[str]) -> Asks:
    """Options without a field of their own stay options: ``--exclusive``, GPUs that do not divide
    by the nodes."""
    fields: dict[str, str] = {}
    left_out: list[str] = []
    given = [word.removeprefix("--").partition("=")[::2] for word in sbatch_args]
    nodes = next((int(value) for name, value in given if name == "nodes" and value.isdigit()), 1)
    for name, value in given:
        field = FIELD_BY_OPTION.get(name)
        if field is not None and field in OF_THE_FORM:
            fields[field] = value
        elif name in GPU_OPTIONS and (gres := _gres(value, nodes if name == "gpus" else 1)):
            fields["gres"] = gres
        else:
            left_out.append(f"--{name}={value}" if value else f"--{name}")
    return Asks(fields, tuple(left_out))


def _gres(gpus: str, nodes: int) -> str | None:
    """``a100:4`` on two nodes is ``gpu:a100:2`` on each."""
    gpu_type, _, count = gpus.rpartition(":")
    if not count.isdigit() or int(count) % nodes:
        return None
    return ":".join(filter(None, ["gpu", gpu_type, str(int(count) // nodes)]))
