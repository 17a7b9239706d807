"""Configuration files of the test cluster: what Slurm's own daemons read, and nothing else.

22 virtual nodes on loopback: 8 with CPUs only, 8 with four a100 each, 4 with two v100, 2 with much
memory. The partition debug overlaps cpu and gpu at a higher tier.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# account, parent, shares; then user -> (account, shares)
ACCOUNTS = (("ai", "root", 60), ("nlp", "ai", 30), ("vision", "ai", 30), ("bio", "root", 30))
ACCOUNTS += (("edu", "root", 10),)
USERS = {
    "qc-alice": ("nlp", 20),
    "qc-bob": ("nlp", 10),
    "qc-carol": ("vision", 20),
    "qc-dave": ("vision", 10),
    "qc-erin": ("bio", 20),
    "qc-frank": ("edu", 10),
}
EDU_LIMIT = "GrpTRES=cpu=96,gres/gpu=6"
QOS = (
    ("normal", "Priority=10 MaxTRESPerUser=cpu=160,gres/gpu=16"),
    ("high", "Priority=100 MaxTRESPerUser=cpu=96,gres/gpu=8 MaxJobsPerUser=6"),
    ("low", "Priority=0 UsageFactor=0.5"),
)
NODES = (
    *(f"cpu{i:02}" for i in range(1, 9)),
    *(f"gpu{i:02}" for i in range(1, 13)),
    "highmem01",
    "highmem02",
)


@dataclass(frozen=True)
class Ports:
    """Of a base port: the daemons first, then one port a node."""

    base: int

    @property
    def slurmctld(self) -> int:
        return self.base

    @property
    def slurmdbd(self) -> int:
        return self.base + 1

    @property
    def mariadb(self) -> int:
        return self.base + 2

    @property
    def slurmrestd(self) -> int:
        return self.base + 3

    @property
    def sshd(self) -> int:
        return self.base + 4

    def nodes(self, first: int, count: int) -> str:
        start = self.base + 10 + first
        return f"[{start}-{start + count - 1}]"


def slurm_conf(home: Path, host: str, ports: Ports, task_plugin: str) -> str:
    local = "NodeHostname=localhost NodeAddr=127.0.0.1"
    return f"""\
ClusterName=qclab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports.slurmctld}
SlurmUser=slurm
AuthType=auth/munge
AuthInfo=socket={home}/run/munge.socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={home}/etc/jwt_hs256.key
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={home}/ctld
SlurmctldPidFile={home}/run/slurmctld.pid
SlurmctldLogFile={home}/log/slurmctld.log
SlurmdSpoolDir={home}/spool/%n
SlurmdPidFile={home}/run/slurmd.%n.pid
SlurmdLogFile={home}/log/slurmd.%n.log
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ProctrackType=proctrack/linuxproc
TaskPlugin={task_plugin}
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
EpilogSlurmctld={home}/hooks/epilogctld
Epilog={home}/hooks/epilog
JobCompType=jobcomp/script
JobCompLoc={home}/hooks/jobcomp
MinJobAge=300
SlurmctldTimeout=60
SlurmdTimeout=20
PropagateResourceLimits=NONE
MailProg=/bin/true
PriorityType=priority/multifactor
PriorityDecayHalfLife=01:00:00
PriorityCalcPeriod=00:01:00
PriorityMaxAge=02:00:00
PriorityWeightAge=1000
PriorityWeightFairshare=10000
PriorityWeightJobSize=500
PriorityWeightPartition=2000
PriorityWeightQOS=5000
PriorityWeightTRES=cpu=200,mem=100,gres/gpu=500
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=10,bf_resolution=10,bf_window=1440,bf_max_job_test=1000,bf_max_time=8,bf_continue,default_queue_depth=200,sched_interval=15,max_rpc_cnt=100
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={ports.slurmdbd}
AccountingStoragePass={home}/run/munge.socket
AccountingStorageEnforce=associations,limits,qos
AccountingStorageTRES=gres/gpu,gres/gpu:a100,gres/gpu:v100
AccountingStoreFlags=job_comment,job_script
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=5
GresTypes=gpu
NodeName=cpu[01-08] {local} Port={ports.nodes(0, 8)} Sockets=2 CoresPerSocket=16 \
ThreadsPerCore=1 RealMemory=128000 Feature=cpu,avx512 Weight=1
NodeName=gpu[01-08] {local} Port={ports.nodes(8, 8)} Sockets=2 CoresPerSocket=32 \
ThreadsPerCore=1 RealMemory=512000 Gres=gpu:a100:4 Feature=gpu,a100 Weight=10
NodeName=gpu[09-12] {local} Port={ports.nodes(16, 4)} Sockets=2 CoresPerSocket=16 \
ThreadsPerCore=1 RealMemory=256000 Gres=gpu:v100:2 Feature=gpu,v100 Weight=5
NodeName=highmem[01-02] {local} Port={ports.nodes(20, 2)} Sockets=2 CoresPerSocket=32 \
ThreadsPerCore=1 RealMemory=2000000 Feature=cpu,highmem Weight=20
PartitionName=DEFAULT State=UP DefMemPerCPU=2000 \
TRESBillingWeights=CPU=1.0,Mem=0.25G,GRES/gpu=16.0
PartitionName=cpu Nodes=cpu[01-08] Default=YES DefaultTime=10 MaxTime=2-0 \
PriorityTier=10 PriorityJobFactor=10
PartitionName=gpu Nodes=gpu[01-12] DefaultTime=10 MaxTime=3-0 \
PriorityTier=10 PriorityJobFactor=20
PartitionName=highmem Nodes=highmem[01-02] DefaultTime=10 MaxTime=UNLIMITED \
PriorityTier=10 PriorityJobFactor=10
PartitionName=debug Nodes=cpu[01-02],gpu[09-10] DefaultTime=5 MaxTime=30 \
PriorityTier=100 PriorityJobFactor=100
"""


def slurmdbd_conf(home: Path, ports: Ports) -> str:
    return f"""\
AuthType=auth/munge
AuthInfo=socket={home}/run/munge.socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={home}/etc/jwt_hs256.key
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={ports.slurmdbd}
CommunicationParameters=NoInAddrAny
SlurmUser=slurm
PidFile={home}/run/slurmdbd.pid
LogFile={home}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={ports.mariadb}
StorageUser=slurm
StoragePass=of-the-test-cluster
StorageLoc=slurm_acct_db
"""


def gres_conf(home: Path) -> str:
    """GPUs need a File; links to /dev/null do and may be shared by all nodes."""
    return f"""\
NodeName=gpu[01-08] Name=gpu Type=a100 File={home}/dev/gpu[0-3]
NodeName=gpu[09-12] Name=gpu Type=v100 File={home}/dev/gpu[0-1]
"""


def qos_commands() -> str:
    """For sacctmgr's standard input; Slurm made normal itself."""
    verbs = {"normal": "modify qos normal set"}
    words = [f"{verbs.get(name, f'add qos {name}')} {limits}" for name, limits in QOS]
    return "\n".join(words) + "\n"


def account_tree() -> str:
    """For ``sacctmgr load``: parents stand before their children."""
    lines = ["Cluster - 'qclab':Fairshare=1:QOS='normal'", "Parent - 'root'"]
    lines.append("User - 'root':DefaultAccount='root':AdminLevel='Administrator':Fairshare=1")
    for account, parent, shares in ACCOUNTS:
        limit = f":{EDU_LIMIT}" if account == "edu" else ""
        lines += [f"Parent - '{parent}'", f"Account - '{account}':Fairshare={shares}{limit}"]
    for user, (account, shares) in USERS.items():
        lines.append(f"Parent - '{account}'")
        qos = "DefaultQOS='normal':QOS='normal,high,low'"
        lines.append(f"User - '{user}':DefaultAccount='{account}':Fairshare={shares}:{qos}")
    return "\n".join(lines) + "\n"
