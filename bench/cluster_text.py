"""The cluster of ``bench/gpu_cluster.py`` as a capture: in Slurm's own text, as pollers read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from bench.gpu_cluster import NOW
from planner.snapshot import Facts
from tracker.slurm import records as slurm
from tracker.slurm import sacct, sacctmgr, squeue
from tracker.slurm.capture import Manifest, save_outputs
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.transports import Output

CLUSTER, VERSION = "bench", "24.05.4"


def write(folder: Path, facts: Facts, accounted: Sequence[slurm.AccountedJob]) -> None:
    """Raises FileExistsError where the folder already holds a capture."""
    found = texts(facts, accounted)
    outputs = {name: Output(name, (name,), text, "", 0, NOW, 0.1) for name, text in found.items()}
    save_outputs(folder, Manifest(CLUSTER, VERSION, NOW, "UTC"), outputs)


def texts(facts: Facts, accounted: Sequence[slurm.AccountedJob]) -> dict[str, str]:
    """By the names of ``tracker.slurm.commands``."""
    return {
        "squeue": queue_text(facts.queue),
        "nodes": "\n".join(map(_node, facts.nodes)),
        "sacct": _rows(sacct.FIELDS, map(_accounted, accounted)),
        "partitions": "\n".join(map(_partition, facts.partitions)),
        "config": _config(facts.config),
        "qos": _rows(sacctmgr.QOS_FIELDS, map(_qos, facts.qos), "|"),
        "assoc": _rows(sacctmgr.ASSOC_FIELDS, map(_association, facts.associations), "|"),
        "sshare": "".join(map(_share, facts.shares)),
        "reservations": "No reservations in the system\n",
    }


def queue_text(queue: Iterable[slurm.QueuedJob]) -> str:
    return _rows(squeue.FIELDS, map(_queued, queue))


def _rows(
    fields: Sequence[str], rows: Iterable[Mapping[str, object]], separator: str = SEPARATOR
) -> str:
    """Fields of which a row says nothing are empty."""
    lines = (separator.join(_text(row.get(field)) for field in fields) for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return str(int(value.timestamp()))
    return "" if value is None else str(value)


def _queued(job: slurm.QueuedJob) -> dict[str, object]:
    gpus = "".join(f"gres/gpu:{kind}:{n}" for kind, n in job.tres_per_node.gpus_by_type.items())
    return {
        "JobID": job.job_id, "JobArrayID": job.job_id, "ArrayJobID": job.job_id,
        "ArrayTaskID": "N/A", "State": job.state, "UserName": job.user, "Account": job.account,
        "Partition": ",".join(job.partitions), "QOS": job.qos, "SubmitTime": job.submit_at,
        "EligibleTime": job.eligible_at or job.submit_at, "StartTime": job.start_at or "N/A",
        "TimeLimit": f"{job.limit_minutes}:00", "NumNodes": job.node_count, "NumTasks": job.ntasks,
        "NumCPUs": job.cpus, "MinCpus": 1, "MinMemory": f"{job.mem_mib}M", "tres-per-node": gpus,
        "tres-alloc": _tres(job.tres_alloc), "NodeList": job.node_list, "RestartCnt": 0,
        "OverSubscribe": "OK", "Dependency": "(null)", "Reason": job.reason or "None",
        "Name": job.name,
    }  # fmt: skip


def _node(node: slurm.Node) -> str:
    gres = ",".join(f"gpu:{kind}:{n}" for kind, n in node.gpus_by_type.items())
    return (
        f"NodeName={node.name} CPUAlloc=0 CPUTot={node.cpus}\n"
        f"   Gres={gres}\n"
        f"   RealMemory={node.mem_mib} AllocMem=0\n"
        f"   State={node.base_state} ThreadsPerCore=1 Weight=1\n"
        f"   Partitions={','.join(node.partitions)}\n"
    )


def _accounted(job: slurm.AccountedJob) -> dict[str, object]:
    return {
        "JobID": job.job_id, "JobIDRaw": job.job_id, "State": job.state, "ExitCode": "0:0",
        "User": job.user, "Account": job.account, "Partition": job.partition, "QOS": job.qos,
        "Reason": "None", "Submit": job.submit_at, "Eligible": job.eligible_at,
        "Start": job.start_at, "End": job.end_at, "Timelimit": f"{job.limit_minutes}:00",
        "ReqCPUS": job.req_cpus, "ReqNodes": job.req_nodes, "ReqTRES": _tres(job.req_tres),
        "AllocTRES": _tres(job.req_tres), "NodeList": job.node_list, "Cluster": CLUSTER,
        "JobName": job.name,
    }  # fmt: skip


def _tres(tres: slurm.Tres) -> str:
    amounts: dict[str, object] = {
        "cpu": tres.cpus,
        "mem": tres.mem_mib and f"{tres.mem_mib}M",
        "node": tres.nodes,
        "gres/gpu": tres.gpus,
        **{f"gres/gpu:{kind}": count for kind, count in tres.gpus_by_type.items()},
    }
    return ",".join(f"{name}={amount}" for name, amount in amounts.items() if amount)


def _partition(partition: slurm.Partition) -> str:
    return (
        f"PartitionName={partition.name}\n"
        f"   Default={'YES' if partition.is_default else 'NO'} MaxTime={partition.max_minutes}\n"
        f"   Nodes={partition.node_list}\n"
        f"   PriorityJobFactor=1 PriorityTier={partition.priority_tier} State=UP\n"
    )


def _config(config: slurm.ClusterConfig | None) -> str:
    weight: Callable[[str], int] = (config.priority_weights if config else {}).__getitem__
    return (
        f"ClusterName = {CLUSTER}\n"
        f"SLURM_VERSION = {VERSION}\n"
        "SchedulerType = sched/backfill\n"
        "SchedulerParameters = (null)\n"
        "PriorityType = priority/multifactor\n"
        f"PriorityWeightAge = {weight('age')}\n"
        f"PriorityWeightFairShare = {weight('fair_share')}\n"
        f"PriorityWeightJobSize = {weight('job_size')}\n"
        f"PriorityWeightQOS = {weight('qos')}\n"
        "AccountingStorageEnforce = associations,limits,qos\n"
    )


def _qos(qos: slurm.Qos) -> dict[str, object]:
    return {
        "Name": qos.name, "Priority": qos.priority, "UsageFactor": "1.000000",
        "GrpTRES": _tres(qos.grp_tres), "MaxTRESPU": _tres(qos.max_tres_per_user),
    }  # fmt: skip


def _association(row: slurm.Association) -> dict[str, object]:
    return {
        "Cluster": CLUSTER, "Account": row.account, "User": row.user, "Share": row.shares,
        "ParentName": row.parent_account, "QOS": "normal,long", "DefaultQOS": "normal",
    }  # fmt: skip


def _share(share: slurm.Share) -> str:
    name = f"{' ' * share.depth}{share.account}"
    return f"{name}|{share.user or ''}||{share.raw_shares}|{share.raw_usage:.0f}|||\n"
