"""sinfo: nodes one by one (-N), or grouped by partition and state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.demo import site
from planner.demo.arguments import parse
from planner.demo.calls import Answer, Call, short_duration
from planner.demo.controller import Controller
from planner.demo.nodeview import NodeRow, gres, node_rows
from planner.demo.tables import named_columns, percent_columns, table
from planner.sim.cluster import Partition
from tracker.slurm.hostlist import compress

_SHORT = {
    "a": "all", "h": "noheader", "N": "Node", "l": "long", "O:": "Format", "o:": "format",
    "p:": "partition", "n:": "nodes", "s": "summarize", "R": "list-reasons",
}  # fmt: skip
_BY_PARTITION = "%9P %.5a %.10l %.6D %.6t %N"
_BY_NODE = "%10N %.6D %9P %.6t"
_BY_NODE_LONG = "%10N %.6D %9P %11T %.4c %.8m %.6w %25f %20E"
_LETTERS = {
    "P": "Partition", "a": "Available", "l": "Time", "D": "Nodes", "t": "StateCompact",
    "T": "StateLong", "N": "NodeList", "c": "CPUs", "m": "Memory", "G": "Gres", "w": "Weight",
    "f": "Features_act", "E": "Reason", "C": "CPUsState",
}  # fmt: skip
_HEADINGS = {
    "Available": "AVAIL", "Time": "TIMELIMIT", "StateCompact": "STATE", "StateLong": "STATE",
    "Features_act": "ACTIVE_FEATURES", "CPUsState": "CPUS(A/I/O/T)",
}  # fmt: skip
_COMPACT = {
    "mixed": "mix", "allocated": "alloc", "drained": "drain", "draining": "drng",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    partition: Partition
    nodes: tuple[NodeRow, ...]

    @property
    def first(self) -> NodeRow:
        return self.nodes[0]


def run(controller: Controller, call: Call) -> Answer:
    options = parse(call, _SHORT)
    by_node = "Node" in options
    lines = _lines(node_rows(controller), by_node=by_node, partitions=options.listed("partition"))
    fields = _fields()
    if "Format" in options:
        prefix, columns = "", named_columns(options.options["Format"], fields, "sinfo")
    else:
        default = _BY_PARTITION
        if by_node:
            default = _BY_NODE_LONG if "long" in options else _BY_NODE
        text = options.options.get("format", default)
        prefix, columns = percent_columns(text, _LETTERS, "sinfo")
    headings = {name: _HEADINGS.get(name, name.upper()) for name in fields}
    return Answer(
        table(
            columns,
            lines,
            fields,
            headings=None if "noheader" in options else headings,
            prefix=prefix,
        )
    )


def _lines(nodes: list[NodeRow], *, by_node: bool, partitions: set[str]) -> list[_Line]:
    lines = []
    for partition in site.PARTITIONS:
        if partitions and partition.name not in partitions:
            continue
        mine = [node for node in nodes if partition.name in node.partitions]
        groups: dict[str, list[NodeRow]] = {}
        for node in mine:
            groups.setdefault(node.name if by_node else node.state_word, []).append(node)
        lines += [_Line(partition, tuple(group)) for group in groups.values()]
    return sorted(lines, key=lambda line: line.first.name) if by_node else lines


def _fields() -> dict[str, Callable[[_Line], object]]:
    return {
        "NodeList": lambda line: compress(node.name for node in line.nodes),
        "Partition": lambda line: (
            line.partition.name + "*" * (line.partition.name == site.DEFAULT_PARTITION)
        ),
        "Available": lambda _: "up",
        "Time": lambda line: short_duration(line.partition.max_s),
        "Nodes": lambda line: len(line.nodes),
        "StateComplete": lambda line: "+".join(
            [line.first.base_state.lower(), *(flag.lower() for flag in line.first.flags)]
        ),
        "StateLong": lambda line: line.first.state_word,
        "StateCompact": lambda line: _COMPACT.get(line.first.state_word, line.first.state_word),
        "CPUs": lambda line: line.first.cpus,
        "CPUsState": lambda line: line.first.cpus_state,
        "Memory": lambda line: line.first.mem_mib,
        "AllocMem": lambda line: line.first.mem_alloc_mib,
        "Gres": lambda line: gres(line.first.gpus),
        "GresUsed": lambda line: gres(line.first.gpus_alloc, indices=True),
        "Features_act": lambda line: ",".join(line.first.features),
        "Weight": lambda line: line.first.weight,
        "Threads": lambda _: 1,
        "Reason": lambda line: line.first.reason or "none",
    }
