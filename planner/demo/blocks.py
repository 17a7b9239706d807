"""The ``Key=Value`` blocks of scontrol show."""

from __future__ import annotations

from planner.demo import site
from planner.demo.amounts import asked, gres_text, held, tres_text
from planner.demo.calls import Call, mem_text
from planner.demo.controller import Controller
from planner.demo.nodeview import NodeRow, gres, names_of, node_rows, total_tres
from planner.demo.queueview import QueueRow
from planner.demo.refusal import SlurmRefusalError
from planner.sim.cluster import Partition
from tracker.slurm.durations import format_duration
from tracker.slurm.hostlist import compress, expand

_BILLING = "CPU=1.0,Mem=0.25G,GRES/gpu=16.0"


def config(controller: Controller, call: Call) -> str:
    priority = site.LIVE.priority
    values = {
        "AccountingStorageEnforce": "associations,limits,qos",
        "AccountingStorageTRES": "cpu,mem,energy,node,billing,fs/disk,vmem,pages,gres/gpu,"
        + ",".join(f"gres/gpu:{kind}" for kind in site.NODES.gpu_types),
        "BOOT_TIME": call.instant(controller.started_at),
        "ClusterName": site.NAME,
        "DefMemPerCPU": str(site.DEF_MEM_PER_CPU_MIB),
        "EnforcePartLimits": "ALL",
        "FirstJobId": "1",
        "GresTypes": "gpu",
        "JobRequeue": "1",
        "KillWait": f"{site.KILL_WAIT_S} sec",
        "MaxArraySize": str(site.MAX_ARRAY_TASKS),
        "MinJobAge": f"{site.MIN_JOB_AGE_S} sec",
        "NEXT_JOB_ID": str(controller.next_job_id),
        "OverTimeLimit": "0 min",
        "PreemptType": "(null)",
        "PriorityCalcPeriod": format_duration(priority.calc_period_s),
        "PriorityDecayHalfLife": format_duration(priority.decay_half_life_s),
        "PriorityFavorSmall": "No",
        "PriorityFlags": "",
        "PriorityMaxAge": format_duration(priority.max_age_s),
        "PriorityType": "priority/multifactor",
        "PriorityWeightAge": str(int(priority.weight_age)),
        "PriorityWeightAssoc": "0",
        "PriorityWeightFairShare": str(int(priority.weight_fair_share)),
        "PriorityWeightJobSize": str(int(priority.weight_job_size)),
        "PriorityWeightPartition": str(int(priority.weight_partition)),
        "PriorityWeightQOS": str(int(priority.weight_qos)),
        "PriorityWeightTRES": "(null)",
        "PrivateData": "none",
        "SchedulerParameters": f"bf_window={int(site.LIVE.bf_window_s // 60)},bf_continue",
        "SchedulerType": "sched/backfill",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_CORE_MEMORY",
        "SLURM_VERSION": site.SLURM_VERSION,
    }
    lines = [f"{key:<23} = {value}" for key, value in values.items()]
    head = f"Configuration data as of {call.instant(controller.now_at)}"
    return "\n".join([head, *lines, "", "Slurmctld(primary) at localhost is UP", ""])


def nodes(controller: Controller, call: Call, names: set[str]) -> str:
    wanted = {name for text in names for name in _expanded(text)}
    rows = [row for row in node_rows(controller) if not wanted or row.name in wanted]
    if wanted and len(rows) < len(wanted):
        raise SlurmRefusalError(f"Node {compress(wanted)} not found")
    return "".join(_node(row, controller, call) for row in rows)


def _expanded(text: str) -> list[str]:
    try:
        return expand(text, max_hosts=1000)
    except ValueError as error:
        raise SlurmRefusalError(f"scontrol: error: {error}") from None


def _node(row: NodeRow, controller: Controller, call: Call) -> str:
    state = "+".join([row.base_state, *row.flags])
    features = ",".join(row.features)
    booted = call.instant(controller.started_at)
    alloc = {"cpu": row.cpus_alloc, "mem": row.mem_alloc_mib} if row.cpus_alloc else {}
    lines = [
        f"NodeName={row.name} Arch=x86_64 CoresPerSocket={row.cpus // 2}",
        f"CPUAlloc={row.cpus_alloc} CPUEfctv={row.cpus} CPUTot={row.cpus} CPULoad=0.00",
        f"AvailableFeatures={features}",
        f"ActiveFeatures={features}",
        f"Gres={gres(row.gpus)}",
        f"GresDrain=N/A GresUsed={gres(row.gpus_alloc, indices=True)}",
        f"NodeAddr={row.name} NodeHostName={row.name} Version={site.SLURM_VERSION}",
        (
            f"RealMemory={row.mem_mib} AllocMem={row.mem_alloc_mib}"
            f" FreeMem={row.mem_mib - row.mem_alloc_mib} Sockets=2 Boards=1"
        ),
        f"State={state} ThreadsPerCore=1 TmpDisk=0 Weight={row.weight} Owner=N/A MCS_label=N/A",
        f"Partitions={','.join(row.partitions)}",
        f"BootTime={booted} SlurmdStartTime={booted}",
        f"CfgTRES=cpu={row.cpus},mem={mem_text(row.mem_mib)}" + _gpu_tres(row.gpus),
        f"AllocTRES={tres_text(alloc)}" + _gpu_tres(row.gpus_alloc),
    ]
    if row.reason:
        lines.append(f"Reason={row.reason} [root@{booted}]")
    return _block(lines)


def _gpu_tres(gpus: dict[str, int]) -> str:
    if not gpus:
        return ""
    typed = "".join(f",gres/gpu:{kind}={count}" for kind, count in gpus.items())
    return f",gres/gpu={sum(gpus.values())}{typed}"


def partitions(names: set[str]) -> str:
    known = {partition.name: partition for partition in site.PARTITIONS}
    if unknown := names - known.keys():
        raise SlurmRefusalError(f"Partition {min(unknown)} not found")
    return "".join(_partition(one) for name, one in known.items() if not names or name in names)


def _partition(partition: Partition) -> str:
    accounts = ",".join(sorted(partition.allow_accounts or ())) or "ALL"
    default = "YES" if partition.name == site.DEFAULT_PARTITION else "NO"
    max_nodes = "UNLIMITED" if partition.max_nodes == float("inf") else int(partition.max_nodes)
    lines = [
        f"PartitionName={partition.name}",
        f"AllowGroups=ALL AllowAccounts={accounts} AllowQos=ALL",
        f"AllocNodes=ALL Default={default} QoS={partition.qos or 'N/A'}",
        (
            f"DefaultTime={format_duration(partition.default_s or 0)} DisableRootJobs=NO"
            " ExclusiveUser=NO GraceTime=0 Hidden=NO"
        ),
        (
            f"MaxNodes={max_nodes} MaxTime={format_duration(partition.max_s)} MinNodes=0 LLN=NO"
            " MaxCPUsPerNode=UNLIMITED"
        ),
        f"Nodes={names_of(partition.nodes)}",
        (
            f"PriorityJobFactor={partition.job_factor} PriorityTier={partition.priority_tier}"
            " RootOnly=NO ReqResv=NO OverSubscribe=NO"
        ),
        "OverTimeLimit=NONE PreemptMode=OFF",
        (
            f"State=UP TotalCPUs={int(site.NODES.cpus[partition.nodes].sum())}"
            f" TotalNodes={int(partition.nodes.sum())} SelectTypeParameters=NONE"
        ),
        "JobDefaults=(null)",
        f"DefMemPerCPU={site.DEF_MEM_PER_CPU_MIB} MaxMemPerNode=UNLIMITED",
        f"TRES={total_tres(partition)}",
        f"TRESBillingWeights={_BILLING}",
    ]
    return _block(lines)


def reservations(controller: Controller, call: Call) -> str:
    blocks = []
    for name, node, start_at, end_at in site.reservations(controller.now_at):
        state = "ACTIVE" if start_at <= controller.now_at else "INACTIVE"
        blocks.append(
            _block(
                [
                    (
                        f"ReservationName={name} StartTime={call.instant(start_at)}"
                        f" EndTime={call.instant(end_at)}"
                        f" Duration={format_duration(end_at - start_at)}"
                    ),
                    (
                        f"Nodes={node} NodeCnt=1 Features=(null) PartitionName=(null)"
                        " Flags=MAINT,SPEC_NODES"
                    ),
                    (
                        "Users=root Groups=(null) Accounts=(null) Licenses=(null)"
                        f" State={state} BurstBuffer=(null)"
                    ),
                    "MaxStartDelay=(null)",
                ]
            )
        )
    return "".join(blocks)


def job(row: QueueRow, controller: Controller, call: Call) -> str:
    attempt, request = row.attempt, row.attempt.request
    uid = site.uid_of(request.user, controller.own_name, controller.own_uid)
    array = ""
    if attempt.array_id is not None:
        array = f" ArrayJobId={attempt.array_id} ArrayTaskId={row.task_text}"
    started_at = attempt.start_at or row.planned_start_at
    end_at = attempt.end_at
    if end_at is None and started_at is not None:
        end_at = started_at + request.limit_minutes * 60
    run_s = attempt.elapsed_s(controller.now_at)
    lines = [
        f"JobId={attempt.job_id}{array} JobName={request.name}",
        f"UserId={request.user}({uid}) GroupId={request.user}({uid}) MCS_label=N/A",
        f"Priority={row.priority} Nice=0 Account={request.account} QOS={request.qos}",
        f"JobState={attempt.state} Reason={row.reason} Dependency={request.dependency or '(null)'}",
        (
            f"Requeue={int(request.requeue)} Restarts={attempt.restarts} BatchFlag=1 Reboot=0"
            f" ExitCode={attempt.exit_code}:{attempt.exit_signal}"
        ),
        (
            f"RunTime={format_duration(run_s)}"
            f" TimeLimit={format_duration(request.limit_minutes * 60)} TimeMin=N/A"
        ),
        (
            f"SubmitTime={call.instant(attempt.submit_at)}"
            f" EligibleTime={call.instant(row.eligible_at, unknown='Unknown')}"
        ),
        (
            f"StartTime={call.instant(started_at, unknown='Unknown')}"
            f" EndTime={call.instant(end_at, unknown='Unknown')} Deadline=N/A"
        ),
        f"Partition={','.join(row.partitions)} AllocNode:Sid=localhost:1",
        "ReqNodeList=(null) ExcNodeList=(null)",
        f"NodeList={compress(attempt.node_names)}",
        (
            f"NumNodes={len(attempt.shares) or request.nodes or 1} NumCPUs={request.cpus}"
            f" NumTasks={request.tasks} CPUs/Task={request.cpus_per_task}"
        ),
        f"TRES={tres_text(held(attempt) or asked(request))}",
        f"TresPerNode={gres_text(request.gpus_per_node, 'gres/gpu')}",
        f"Features={'&'.join(request.features) or '(null)'} DelayBoot=00:00:00",
        f"Command={request.command or '(null)'}",
        f"WorkDir={request.work_dir}",
        f"StdOut={request.output or '(null)'}",
    ]
    return _block(lines)


def _block(lines: list[str]) -> str:
    return "\n   ".join(lines) + "\n\n"
