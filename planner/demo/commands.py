"""Every command of the demo cluster by name."""

from __future__ import annotations

from collections.abc import Callable

from planner.demo import accounting, sacct, scontrol, sinfo, site, squeue, validity
from planner.demo.calls import Answer, Call
from planner.demo.controller import Controller
from planner.demo.options import parse_command_line
from planner.demo.refusal import SlurmRefusalError
from planner.demo.sbatch import build, read_script
from planner.demo.world import parse_dependency

NAMES = (
    "squeue", "sacct", "sinfo", "sbatch", "scancel", "scontrol", "sshare", "sprio", "sacctmgr",
    "sdiag",
)  # fmt: skip


def answer(controller: Controller, call: Call) -> Answer:
    """What the command prints; a refusal is an answer too."""
    run: dict[str, Callable[[Controller, Call], Answer]] = {
        "squeue": squeue.run,
        "sacct": sacct.run,
        "sinfo": sinfo.run,
        "sbatch": sbatch,
        "scancel": scontrol.scancel,
        "scontrol": scontrol.run,
        "sshare": accounting.sshare,
        "sprio": accounting.sprio,
        "sacctmgr": accounting.sacctmgr,
        "sdiag": scontrol.sdiag,
    }
    if call.command not in run:
        return Answer(stderr=f"{call.command}: not a command of the demo cluster\n", rc=127)
    if {"-V", "--version"}.intersection(call.arguments[:1]):
        return Answer(f"slurm {site.SLURM_VERSION}\n")
    try:
        return run[call.command](controller, call)
    except SlurmRefusalError as refusal:
        return Answer(stderr=f"{refusal}\n", rc=refusal.rc)


def sbatch(controller: Controller, call: Call) -> Answer:
    command = parse_command_line(call.arguments)
    text = read_script(command, call.cwd, call.stdin)
    if text is None:
        return Answer(wants_stdin=True)
    batch = build(
        command,
        text,
        user=controller.own_name,
        cwd=call.cwd,
        environment=dict(call.environment),
        now_at=controller.now_at,
    )
    validity.check(batch.request, frozenset({site.DEMO_ACCOUNT}))
    _check_dependency(controller, batch.request.dependency)
    if batch.test_only:
        return Answer(stderr="sbatch: the demo cluster does not estimate; see squeue --start\n")
    job_id = controller.submit(batch.request, batch.script, batch.array_tasks)
    return Answer(f"{job_id}\n" if batch.parsable else f"Submitted batch job {job_id}\n")


def _check_dependency(controller: Controller, text: str) -> None:
    try:
        job_ids = [job_id for _, ids in parse_dependency(text) for job_id in ids]
    except ValueError:
        job_ids = [-1]
    if any(not controller.roster.attempts_of([job_id]) for job_id in job_ids):
        raise SlurmRefusalError(
            "sbatch: error: Batch job submission failed: Job dependency problem"
        )
