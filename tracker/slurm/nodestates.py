"""Node states: a base state, flags behind ``+`` and single-character marks behind the word."""

from __future__ import annotations

import re

BASE_STATES = frozenset(
    {"IDLE", "MIXED", "ALLOCATED", "DOWN", "FUTURE", "UNKNOWN", "ERROR", "BLOCKED"}
)
_FLAG_BY_MARK = {
    "*": "NOT_RESPONDING", "~": "POWERED_DOWN", "#": "POWERING_UP", "!": "POWER_DOWN",
    "%": "POWERING_DOWN", "$": "MAINTENANCE", "@": "REBOOT_REQUESTED", "^": "REBOOT_ISSUED",
    "-": "PLANNED",
}  # fmt: skip
# sinfo's %T folds base and flag into one word. IDLE and MIXED are the safe guesses: the word tells
# whether jobs run there, and what else is free is said by the CPU counts.
_FOLDED = {
    "DRAINED": ("IDLE", "DRAIN"), "DRAINING": ("MIXED", "DRAIN"), "FAIL": ("IDLE", "FAIL"),
    "FAILING": ("MIXED", "FAIL"), "MAINT": ("IDLE", "MAINTENANCE"),
    "RESERVED": ("IDLE", "RESERVED"), "COMPLETING": ("MIXED", "COMPLETING"),
    "PLANNED": ("IDLE", "PLANNED"), "INVAL": ("DOWN", "INVALID_REG"),
    "POWERED_DOWN": ("IDLE", "POWERED_DOWN"), "POWERING_UP": ("IDLE", "POWERING_UP"),
    "POWERING_DOWN": ("IDLE", "POWERING_DOWN"), "REBOOT": ("IDLE", "REBOOT_REQUESTED"),
    "PERFCTRS": ("ALLOCATED", "PERFCTRS"),
}  # fmt: skip
_SHORT = {
    "ALLOC": "ALLOCATED", "MIX": "MIXED", "UNK": "UNKNOWN", "ERR": "ERROR", "FUTR": "FUTURE",
    "DRNG": "DRAINING", "DRAIN": "DRAINED", "RESV": "RESERVED", "COMP": "COMPLETING",
    "PLND": "PLANNED", "FAILG": "FAILING", "NPC": "PERFCTRS",
}  # fmt: skip
_SYNONYMS = {"MAINT": "MAINTENANCE", "POWERED_UP": "POWERING_UP"}
_WORD = re.compile(r"[A-Z][A-Z_]{0,40}", re.ASCII)


def parse_node_state(text: str) -> tuple[str, frozenset[str]]:
    """``MIXED+DRAIN``, ``down*``, ``drng``, ``idle~`` to (base state, flags); else ValueError.

    Flags of later releases pass as they are.
    """
    first, *rest = text.strip().upper().split("+")
    flags: set[str] = set()
    word = first.rstrip("".join(_FLAG_BY_MARK))
    flags.update(_FLAG_BY_MARK[mark] for mark in first[len(word) :])
    word = _SHORT.get(word, word)
    if word in _FOLDED:
        word, flag = _FOLDED[word]
        flags.add(flag)
    for part in rest:
        name = part.rstrip("".join(_FLAG_BY_MARK))
        flags.update(_FLAG_BY_MARK[mark] for mark in part[len(name) :])
        flags.add(_SYNONYMS.get(name, name))
    for name in (word, *flags):
        if not _WORD.fullmatch(name):
            raise ValueError(f"{text[:80]!r} is not a node state such as MIXED+DRAIN")
    return word, frozenset(flags)
