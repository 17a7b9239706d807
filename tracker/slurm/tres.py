"""TRES and GRES strings: what jobs ask for, nodes have and limits allow.

Slurm writes the same thing three ways: ``cpu=8,mem=64G,gres/gpu=2,gres/gpu:a100=2`` (TRES),
``gpu:a100:4(S:0-1)`` (a node's GRES) and ``gres:gpu:a100:2`` or ``gres/gpu:a100:2`` (a request).
The typed and untyped entries of a TRES string overlap: they are never added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracker.slurm.records import Tres

ABSENT = frozenset({"", "(null)", "N/A", "none", "None"})
_POWER = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}  # of 1024, counts too: gres "4K"
_AMOUNT = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,9})?)([KMGTPE]?)", re.ASCII)
_WEIGHT = re.compile(r"(-?[0-9]{1,20}(?:\.[0-9]{1,12})?)([KMGTP]?)", re.ASCII)


def parse_mem_mib(text: str) -> int | None:
    """``64G``, ``62.50G``, ``1.5T``; a bare number is MiB. None for the absent spellings."""
    amount = _amount(text, bare_unit="M")
    return None if amount is None else round(amount / 1024**2)


def parse_count(text: str) -> int | None:
    """A count that Slurm may have shortened: ``32``, ``1K`` (1024). None where absent."""
    if len(text) <= 15 and text.isascii() and text.isdigit():  # nearly always, and quick
        return int(text)
    amount = _amount(text, bare_unit="")
    return None if amount is None else round(amount)


def _amount(text: str, *, bare_unit: str) -> float | None:
    word = text.strip()
    if word in ABSENT:
        return None
    match = _AMOUNT.fullmatch(word)
    if match is None:
        raise ValueError(f"{text[:80]!r} is not an amount such as 64G or 8")
    return float(match[1]) * 1024.0 ** _POWER[match[2] or bare_unit]


def parse_tres(text: str) -> Tres:
    """A TRES string or a GRES request; entries without a field of their own go to ``other``."""
    numbers: dict[str, int | None] = {}
    untyped = 0
    typed: dict[str, int] = {}
    other: dict[str, float] = {}
    for name, amount in _entries(text):
        match name.partition(":"):
            case ("cpu" | "node" | "billing", _, _):
                numbers[name] = parse_count(amount)
            case ("mem", _, _):
                numbers[name] = parse_mem_mib(amount)
            case ("gres/gpu", "", _):
                untyped += parse_count(amount) or 0
                numbers["gpu"] = untyped
            case ("gres/gpu", _, kind):
                typed[kind] = typed.get(kind, 0) + (parse_count(amount) or 0)
            case _ if (value := _amount(amount, bare_unit="")) is not None:
                other[name] = value
    if typed:
        numbers["gpu"] = max(untyped, sum(typed.values()))
    return Tres(
        cpus=numbers.get("cpu"),
        mem_mib=numbers.get("mem"),
        nodes=numbers.get("node"),
        billing=numbers.get("billing"),
        gpus=numbers.get("gpu"),
        gpus_by_type=typed,
        other=other,
    )


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """(TRES name, amount), whatever of the three spellings was used."""
    if text.strip() in ABSENT:
        return
    for item in split_gres(text):
        name, equals, amount = item.partition("=")
        if equals:
            yield name.strip().lower() if "gres/" not in name else name.strip(), amount
        else:
            kind, gpu_type, count = _split_gres_item(item)
            name = kind if kind in ("cpu", "mem") else f"gres/{kind}"  # per task also "cpu:4"
            yield name + (f":{gpu_type}" if gpu_type else ""), str(count)


def parse_gres(text: str) -> dict[str, int]:
    """GPUs by type of a node's ``Gres``/``GresUsed`` (``gpu:a100:4(S:0-1)``); untyped under ``""``.

    Other generic resources (shards, licences, network) are left out; ``gpu:0`` is an empty dict.
    """
    gpus: dict[str, int] = {}
    if text.strip() in ABSENT:
        return gpus
    for item in split_gres(text):
        kind, gpu_type, count = _split_gres_item(item)
        if kind == "gpu" and count:
            gpus[gpu_type] = gpus.get(gpu_type, 0) + count
    return gpus


def split_gres(text: str) -> Iterator[str]:
    """Items between commas, without ``(IDX:0,2)`` and ``(S:0-1)``, which hold commas too."""
    for item in re.sub(r"\([^()]*\)", "", text).split(","):
        if item.strip():
            yield item.strip()


def _split_gres_item(item: str) -> tuple[str, str, int]:
    """(kind, type, count) of ``gres:gpu:a100:2``, ``gres/gpu:2``, ``gpu:a100`` or ``gpu`` (one)."""
    kind, *rest = item.removeprefix("gres:").removeprefix("gres/").split(":")
    count = 1
    if rest and rest[-1][:1].isdigit() and _AMOUNT.fullmatch(rest[-1]):
        count = parse_count(rest.pop()) or 0
    if not kind or len(rest) > 2:
        raise ValueError(f"{item[:80]!r} is not a generic resource such as gpu:a100:4")
    # gpu:a100:no_consume:4 has the word between; it is no type.
    types = [word for word in rest if word != "no_consume"]
    return kind, types[0] if types else "", count


def parse_weights(text: str) -> dict[str, float]:
    """``CPU=1.0,Mem=0.25G,GRES/gpu=16.0`` to weights per unit by lower-case name; mem per GiB.

    Slurm's own unit of memory is the MiB and a suffix divides: ``Mem=0.25G`` is 0.25 per GiB,
    ``Mem=0.25`` is 0.25 per MiB, so 256 per GiB.
    """
    weights: dict[str, float] = {}
    if text.strip() in ABSENT:
        return weights
    for item in text.split(","):
        name, equals, amount = item.partition("=")
        match = _WEIGHT.fullmatch(amount.strip())
        if not equals or match is None:
            raise ValueError(f"{item[:80]!r} is not a weight such as CPU=1.0 or Mem=0.25G")
        key = name.strip().lower()
        per_gib = 1024.0 ** (_POWER["G"] - _POWER[match[2] or "M"])
        weights[key] = float(match[1]) * (per_gib if key == "mem" else 1.0)
    return weights


def parse_points(text: str) -> dict[str, float]:
    """``cpu=200,mem=100,gres/gpu=25``: priority points, so memory has no unit here."""
    points: dict[str, float] = {}
    if text.strip() in ABSENT:
        return points
    for item in text.strip().split(","):
        name, _, number = item.partition("=")
        try:
            points[name.lower()] = float(number)
        except ValueError:
            raise ValueError(f"{item[:80]!r} is not points such as cpu=200") from None
    return points
