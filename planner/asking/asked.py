"""Options of sbatch as fields of a request: counts that follow from one another, and units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from planner.asking.instants import parse_instant
from planner.asking.request import MAX_COUNT, features_of, limit_minutes_of, mem_mib_of
from tracker.slurm.script import ScriptError
from tracker.slurm.tres import parse_gres, split_gres

MODELLED = frozenset({
    "account", "begin", "constraint", "cpus-per-gpu", "cpus-per-task", "deadline", "exclusive",
    "gpus", "gpus-per-node", "gpus-per-task", "gres", "job-name", "mem", "mem-per-cpu",
    "mem-per-gpu", "nodes", "ntasks", "ntasks-per-gpu", "ntasks-per-node", "partition", "qos",
    "time",
})  # fmt: skip
_MEM = ("mem", "mem-per-cpu", "mem-per-gpu")
_GPUS = ("gpus", "gpus-per-node", "gpus-per-task", "gres")

Read = TypeVar("Read")


class Word(NamedTuple):
    """One option of sbatch as it was given."""

    name: str
    value: str | None
    where: str  # "line 3, ", to stand before an error; "" for a command line

    def __str__(self) -> str:
        return f"--{self.name}" if self.value is None else f"--{self.name}={self.value}"

    def read(self, parse: Callable[[str], Read]) -> Read:
        try:
            return parse(self.value or "")
        except ValueError as error:
            raise self.refused(str(error)) from error

    def refused(self, why: str) -> ScriptError:
        return ScriptError(f"{self.where}{self}: {why.rstrip('.')}.")


def fields_of(words: Mapping[str, Word], now: datetime) -> tuple[dict[str, Any], list[str]]:
    """Fields of ``request_of``, and what of the options the plan leaves out. ScriptError on
    contradictions and on values that sbatch would not take."""
    reading = _Reading(words, now)
    fields = reading.names() | reading.counts() | reading.times()
    return {name: value for name, value in fields.items() if value is not None}, reading.left_out


@dataclass(frozen=True, slots=True)
class _Gpus:
    count: int  # in all
    gpu_type: str | None
    option: str  # of planner.asking.request.GPU_OPTIONS


class _Reading:
    def __init__(self, words: Mapping[str, Word], now: datetime) -> None:
        self._words = words
        self._now = now
        self.left_out: list[str] = []

    def names(self) -> dict[str, Any]:
        fields = {name: self._read(name, _text) for name in ("account", "qos")}
        features = None
        if word := self._words.get("constraint"):
            try:
                features = features_of(word.value or "")
            except ValueError:  # sbatch knows more forms than the model
                self.left_out.append(str(word))
        exclusive = self._words.get("exclusive")
        if exclusive and exclusive.value not in (
            None,
            "on",
        ):  # =user, =mcs: a node shared with some
            self.left_out.append(str(exclusive))
        return fields | {
            "name": self._read("job-name", _text),
            "partition": self._read("partition", _names),
            "constraint": features,
            "exclusive": exclusive is not None and not exclusive.value,
        }

    def times(self) -> dict[str, Any]:
        begin_at, deadline_at = (
            self._read(name, lambda text: parse_instant(text, self._now))
            for name in ("begin", "deadline")
        )
        limit_minutes = self._read("time", _limit_minutes)
        return {"time": limit_minutes, "begin": begin_at, "deadline": deadline_at}

    def counts(self) -> dict[str, Any]:
        nodes, ntasks = self._nodes_and_tasks()
        gpus = self._gpus(nodes or 1, ntasks)
        if gpus and ntasks is None and (per_gpu := self._read("ntasks-per-gpu", _count)):
            ntasks = per_gpu * gpus.count
        mem_mib, mem_per_cpu = self._mem(nodes or 1, gpus)
        return {
            "nodes": nodes,
            "ntasks": ntasks,
            "cpus": self._cpus(ntasks or nodes or 1, gpus),
            "mem": mem_mib,
            "mem_per_cpu": mem_per_cpu,
            "gpus": gpus and gpus.count,
            "gpu_type": gpus and gpus.gpu_type,
            "gpus_option": gpus and gpus.option,
        }

    def _nodes_and_tasks(self) -> tuple[int | None, int | None]:
        nodes, ntasks = self._read("nodes", _fewest), self._read("ntasks", _count)
        if nodes and not (self._words["nodes"].value or "").isdigit():
            self.left_out.append(f"{self._words['nodes']} (planned with {nodes})")
        per_node = self._read("ntasks-per-node", _count)
        if per_node is None:
            return nodes, ntasks
        if ntasks is None:
            return nodes or 1, per_node * (nodes or 1)
        if nodes is None:
            return -(-ntasks // per_node), ntasks
        if ntasks > nodes * per_node:  # sbatch warns that it cannot honour it
            self.left_out.append(str(self._words["ntasks-per-node"]))
        return nodes, ntasks

    def _gpus(self, nodes: int, ntasks: int | None) -> _Gpus | None:
        asked = [name for name in _GPUS if name in self._words]
        found: dict[str, _Gpus] = {}
        for name in asked:
            typed = self._read(name, parse_gres if name == "gres" else _gpus_by_type) or {}
            if name == "gres":
                self._leave_out_other_gres()
            if len(typed) > 1:
                raise self._words[name].refused(
                    "a plan knows GPUs of one type; ask for one type at a time"
                )
            for gpu_type, count in typed.items():
                times = {"gpus": 1, "gpus-per-task": ntasks or nodes}.get(name, nodes)
                option = "gpus" if name == "gpus-per-task" else name
                found[name] = _Gpus(count * times, gpu_type or None, option)
        if len({gpus.count for gpus in found.values()}) > 1:
            first, *_, last = (self._words[name] for name in found)
            raise last.refused(f"contradicts {first}; give one of them")
        per_gpu = self._read("ntasks-per-gpu", _count)
        if not found and ntasks and per_gpu:
            return _Gpus(-(-ntasks // per_gpu), None, "gpus")
        return next(reversed(found.values()), None)

    def _leave_out_other_gres(self) -> None:
        others = [item for item in split_gres(self._words["gres"].value or "") if not _is_gpu(item)]
        if others:
            self.left_out.append(f"--gres={','.join(others)}")

    def _cpus(self, ntasks: int, gpus: _Gpus | None) -> int | None:
        cpus = self._read("cpus-per-task", _count)
        per_gpu = self._read("cpus-per-gpu", _count)
        if cpus is None and per_gpu and gpus:
            return -(-per_gpu * gpus.count // ntasks)
        return cpus

    def _mem(self, nodes: int, gpus: _Gpus | None) -> tuple[int | None, bool]:
        """MiB, and whether they are for each CPU."""
        asked = [name for name in _MEM if name in self._words]
        if len(asked) > 1:
            first, *_, last = (self._words[name] for name in asked)
            raise last.refused(f"stands beside {first}; sbatch takes one of them")
        if not asked:
            return None, False
        mem_mib = self._read(asked[0], _mem_mib)
        if asked == ["mem-per-gpu"] and mem_mib:
            return (mem_mib * -(-gpus.count // nodes), False) if gpus else (None, False)
        return mem_mib, asked == ["mem-per-cpu"]

    def _read(self, name: str, parse: Callable[[str], Read]) -> Read | None:
        word = self._words.get(name)
        return None if word is None else word.read(parse)


def _text(text: str) -> str:
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _count(text: str) -> int:
    if not (
        text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MAX_COUNT and len(text) < 10
    ):
        raise ValueError(f"give a whole number from 1 to {MAX_COUNT}")
    return int(text)


def _fewest(text: str) -> int:
    """Of ``2``, ``2-4`` or, since 23.02, ``2,4,8-16:4``."""
    return min(_count(part.split("-")[0].split(":")[0]) for part in text.split(","))


def _is_gpu(item: str) -> bool:
    return item.removeprefix("gres:").removeprefix("gres/").split(":")[0] == "gpu"


def _gpus_by_type(text: str) -> dict[str, int]:
    """Of ``2``, ``a100:2`` or ``a100:1,v100:1``."""
    return parse_gres(",".join(f"gpu:{item}" for item in text.split(",")))


def _mem_mib(text: str) -> int | None:
    """Slurm reads 64gb as 64G, and 0 as all of the node."""
    word = text.upper().removesuffix("B") if text[-2:-1].isalpha() else text.upper()
    return 0 if word in ("0", "0M", "0G") else mem_mib_of(word)


def _limit_minutes(text: str) -> int | None:
    """UNLIMITED is what the partition allows."""
    return None if text.lower() in ("unlimited", "infinite", "-1", "0") else limit_minutes_of(text)
