"""TRES of a demo job, asked for or held, as numbers and in Slurm's text."""

from __future__ import annotations

from collections.abc import Mapping

from planner.demo import site
from planner.demo.calls import mem_text
from planner.demo.jobs import Attempt, Request
from planner.sim.amounts import billing


def asked(request: Request) -> dict[str, float]:
    amounts: dict[str, float] = {
        "cpu": request.cpus,
        "mem": request.mem_mib,
        "node": request.nodes or 1,
    }
    return _complete(amounts, request.gpus)


def held(attempt: Attempt) -> dict[str, float]:
    """Empty while it waits, and if it never ran."""
    if not attempt.shares:
        return {}
    gpus: dict[str, int] = {}
    for share in attempt.shares:
        for kind, count in share.gpus.items():
            gpus[kind] = gpus.get(kind, 0) + count
    amounts: dict[str, float] = {
        "cpu": sum(share.cpus for share in attempt.shares),
        "mem": sum(share.mem_mib for share in attempt.shares),
        "node": len(attempt.shares),
    }
    return _complete(amounts, gpus)


def _complete(amounts: dict[str, float], gpus: Mapping[str, int]) -> dict[str, float]:
    if any(gpus.values()):
        amounts["gres/gpu"] = sum(gpus.values())
        amounts |= {f"gres/gpu:{kind}": count for kind, count in gpus.items() if kind and count}
    # All partitions bill alike.
    amounts["billing"] = int(billing(amounts, site.PARTITIONS[0]))
    return amounts


def tres_text(amounts: Mapping[str, float]) -> str:
    """``billing=8,cpu=8,gres/gpu=2,gres/gpu:a100=2,mem=64G,node=1``."""
    return ",".join(
        f"{name}={mem_text(int(amount)) if name == 'mem' else int(amount)}"
        for name, amount in sorted(amounts.items())
    )


def gres_text(gpus: Mapping[str, int], prefix: str) -> str:
    """``gres/gpu:a100:2``, or ``N/A``."""
    parts = [f"{prefix}:{kind}:{n}" if kind else f"{prefix}:{n}" for kind, n in gpus.items() if n]
    return ",".join(parts) or "N/A"
