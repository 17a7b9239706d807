"""A cluster file as the facts that a snapshot of a real cluster is made of. docs/simulate.md says
what may stand in one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from planner.clusterfile import kinds
from planner.clusterfile.tables import ClusterFileError, Table, table_of, tables_of
from planner.snapshot import Facts
from tracker.slurm.config import parse_config
from tracker.slurm.hostlist import expand
from tracker.slurm.records import Association, ClusterConfig, Node, Partition, Qos
from tracker.slurm.sacctmgr import ASSOC_FIELDS, QOS_FIELDS, parse_associations, parse_qos
from tracker.slurm.scontrol import parse_nodes, parse_partitions, parse_reservations

ROOT = "root"  # Slurm's own name for the account above all


def read_cluster_file(path: Path) -> Facts:
    """An idle cluster without a queue, as of the epoch. Raises ClusterFileError, OSError."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClusterFileError(f"{path} is no TOML: {error}; mend it") from error
    found = {name: tables_of(content, name, kind, path) for name, kind in kinds.TABLES.items()}
    known = {"ClusterName", "config", *found}
    if strangers := content.keys() - known:
        raise ClusterFileError(
            f"{path}: {min(strangers)} is no part of a cluster file; those are"
            f" {', '.join(sorted(known))}"
        )
    for name in ("nodes", "partitions"):
        if not found[name]:
            raise ClusterFileError(f"{path} has no {name}; add {kinds.TABLES[name].title}")
    nodes = _nodes(found["nodes"])
    partitions = [
        replace(t.parsed(parse_partitions, t.as_block()), node_list=_node_list(t, nodes))
        for t in found["partitions"]
    ]
    qos = [t.parsed(parse_qos, t.as_row(QOS_FIELDS)) for t in found["qos"]]
    _check_names(found, partitions, qos)
    config = _config(content, path, has_limits=any(found[n] for n in ("qos", "accounts", "users")))
    return Facts(
        taken_at=datetime.fromtimestamp(0, UTC),
        queue=[],
        nodes=_in_partitions(nodes, partitions),
        partitions=partitions,
        config=config,
        reservations=tuple(
            replace(t.parsed(parse_reservations, t.as_block()), node_list=_node_list(t, nodes))
            for t in found["reservations"]
        ),
        qos=tuple(qos),
        associations=tuple(_associations(config.cluster_name, found["accounts"], found["users"])),
    )


def _nodes(tables: Iterable[Table]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for table in tables:
        block = table.as_block() if "State" in table.texts else f"{table.as_block()}\nState=IDLE"
        one = table.parsed(parse_nodes, block)
        if one.cpus < 1:
            raise table.error("CPUs is 0; give 1 or more")
        if not (memory := table.texts.get("RealMemory", "1")).isdecimal():
            raise table.error(f"RealMemory is {memory!r}; give whole MiB, such as 256000")
        for name in _expanded(table, "NodeName"):
            if name in nodes:
                raise table.error(f"NodeName {name} was given before; give every node once")
            nodes[name] = replace(one, name=name)
    return nodes


def _expanded(table: Table, key: str) -> list[str]:
    try:
        return expand(table.texts[key])
    except ValueError as error:
        raise table.error(f"{key}: {error}; mend it") from error


def _node_list(table: Table, nodes: Mapping[str, Node]) -> str:
    if table.texts["Nodes"] == "ALL":
        return ",".join(nodes)
    for name in _expanded(table, "Nodes"):
        if name not in nodes:
            raise table.error(f"Nodes names {name}, which no [[nodes]] has; add or remove it")
    return table.texts["Nodes"]


def _in_partitions(nodes: Mapping[str, Node], partitions: Iterable[Partition]) -> list[Node]:
    names: dict[str, list[str]] = {name: [] for name in nodes}
    for partition in partitions:
        for node in expand(partition.node_list):
            names[node].append(partition.name)
    return [replace(node, partitions=tuple(names[name])) for name, node in nodes.items()]


def _check_names(
    found: Mapping[str, list[Table]], partitions: Iterable[Partition], qos: Iterable[Qos]
) -> None:
    """Whatever one table says of another must be in the file."""
    for name, kind in kinds.NAMED_ONCE.items():
        seen: set[str] = set()
        for table in found[name]:
            text = table.texts[kind]
            if text in seen:
                raise table.error(f"{kind} {text} was given before; give it once")
            seen.add(text)
    known_qos = {one.name for one in qos}
    for table, partition in zip(found["partitions"], partitions, strict=True):
        if partition.qos is not None and partition.qos not in known_qos:
            raise table.error(f"QOS {partition.qos} is not in the file; add it as [[qos]]")
    for table, one in zip(found["qos"], qos, strict=True):
        if strangers := set(one.preempt) - known_qos:
            raise table.error(f"Preempt names {min(strangers)}; add it as [[qos]]")
    accounts = {ROOT, *(table.texts["Account"] for table in found["accounts"])}
    for table in (*found["accounts"], *found["users"]):
        for key in ("ParentName", "Account"):
            if table.texts.get(key, ROOT) not in accounts:
                raise table.error(
                    f"{key} {table.texts[key]} is not in the file; add it as [[accounts]]"
                )


def _associations(
    cluster: str, accounts: Iterable[Table], users: Iterable[Table]
) -> Iterable[Association]:
    yield Association(cluster, ROOT, None)
    for table in (*accounts, *users):
        texts = {"Cluster": cluster, "Share": "1"} | dict(table.texts)
        if "User" not in texts:
            texts.setdefault("ParentName", ROOT)
        row = replace(table, texts=texts).as_row(ASSOC_FIELDS)
        yield table.parsed(parse_associations, row)


def _config(content: Mapping[str, Any], path: Path, *, has_limits: bool) -> ClusterConfig:
    """Limits that stand in the file are enforced unless it says what is."""
    values = content.get("config", {})
    if not isinstance(values, dict):
        raise ClusterFileError(f"{path}, config: write it as a table, [config]")
    table = table_of(values, kinds.CONFIG, f"{path}, [config]")
    texts = {"ClusterName": str(content.get("ClusterName", path.stem))}
    if has_limits:
        texts["AccountingStorageEnforce"] = "associations,limits,qos"
    lines = (f"{key} = {text}" for key, text in (texts | dict(table.texts)).items())
    return table.parsed(lambda text: [parse_config(text)], "\n".join(lines))
