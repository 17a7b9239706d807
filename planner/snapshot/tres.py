"""Amounts by Slurm's TRES names, as the simulator counts them."""

from __future__ import annotations

from collections.abc import Mapping

from tracker.slurm.records import Tres

MIB_PER_GIB = 1024


def limits(tres: Tres) -> dict[str, float]:
    """A limit string as amounts. ``gres/gpu:a100=4`` alone must not limit GPUs of other types.

    The record's total repeats the typed entries, so a total equal to their sum is not a limit of
    its own; if it was given besides them, the types together cannot exceed it anyway on a cluster
    that has no others.
    """
    amounts = {
        "cpu": tres.cpus,
        "mem": tres.mem_mib,
        "node": tres.nodes,
        "billing": tres.billing,
        "gres/gpu": tres.gpus if tres.gpus != sum(tres.gpus_by_type.values()) else None,
        **{f"gres/gpu:{kind}": count for kind, count in tres.gpus_by_type.items()},
    }
    if not tres.gpus_by_type:
        amounts["gres/gpu"] = tres.gpus  # a limit of 0 equals the sum of no types
    return {name: float(amount) for name, amount in amounts.items() if amount is not None}


def billing_weights(per_unit: Mapping[str, float]) -> dict[str, float]:
    """TRESBillingWeights with memory per MiB, the simulator's unit, instead of GiB."""
    return {
        name: weight / MIB_PER_GIB if name == "mem" else weight for name, weight in per_unit.items()
    }


def gpus(tres: Tres) -> dict[str, int]:
    """GPUs asked for or held by type, "" for those of any type."""
    by_type = {kind: count for kind, count in tres.gpus_by_type.items() if count}
    untyped = (tres.gpus or 0) - sum(by_type.values())
    return by_type | ({"": untyped} if untyped > 0 else {})
