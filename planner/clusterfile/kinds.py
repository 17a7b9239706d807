"""What may stand in a cluster file: the keys that the model reads, as slurm.conf and sacctmgr name
them."""

from __future__ import annotations

from planner.clusterfile.tables import Kind


def _same(names: str) -> dict[str, str]:
    return {name: name for name in names.split()}


_LIMITS = "Priority GrpTRES GrpJobs MaxJobs MaxTRES MaxWall"
TABLES = {
    "nodes": Kind(
        "[[nodes]]",
        _same("NodeName RealMemory Gres Weight ThreadsPerCore State")
        | {"CPUs": "CPUTot", "Features": "AvailableFeatures"},
        ("NodeName", "CPUs"),
    ),
    "partitions": Kind(
        "[[partitions]]",
        _same(
            "PartitionName Nodes State Default MaxTime DefaultTime MinNodes MaxNodes PriorityTier"
            " PriorityJobFactor OverSubscribe DefMemPerCPU DefMemPerNode AllowAccounts"
            " DenyAccounts AllowQos DenyQos TRESBillingWeights PreemptMode GraceTime"
        )
        | {"QOS": "QoS"},
        ("PartitionName", "Nodes"),
    ),
    "qos": Kind(
        "[[qos]]",
        _same(
            "Name Priority Flags UsageFactor GrpTRES GrpJobs MaxTRES MaxTRESPU MaxTRESPA MaxWall"
            " MaxJobsPU MaxJobsPA Preempt PreemptMode PreemptExemptTime GraceTime"
        ),
        ("Name",),
    ),
    "accounts": Kind(
        "[[accounts]]",
        _same(f"Account ParentName {_LIMITS}") | {"Fairshare": "Share"},
        ("Account",),
    ),
    "users": Kind(
        "[[users]]", _same(f"User Account {_LIMITS}") | {"Fairshare": "Share"}, ("User", "Account")
    ),
    "reservations": Kind(
        "[[reservations]]",
        _same("ReservationName Nodes StartTime EndTime"),
        ("ReservationName", "Nodes", "StartTime", "EndTime"),
    ),
}
CONFIG = Kind(
    "[config]",
    _same(
        "SLURM_VERSION SchedulerType SchedulerParameters SelectTypeParameters PriorityType"
        " PriorityFlags PriorityFavorSmall PriorityMaxAge PriorityCalcPeriod PriorityDecayHalfLife"
        " PriorityWeightAge PriorityWeightAssoc PriorityWeightFairShare PriorityWeightJobSize"
        " PriorityWeightPartition PriorityWeightQOS PriorityWeightTRES AccountingStorageEnforce"
        " DefMemPerCPU DefMemPerNode KillWait OverTimeLimit PreemptType PreemptMode"
        " PreemptParameters PreemptExemptTime JobRequeue AuthInfo"
        " MessageTimeout"
    ),
    (),
)
NAMED_ONCE = {"partitions": "PartitionName", "qos": "Name", "accounts": "Account"}
