"""Where a run ran, as its program told: code, command, machine, environment."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tracker.flat_config import flat, setting_words
from tracker.models import Run


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Names with their values, to be shown in this order; ``command`` is to be copied."""

    command: str
    facts: list[tuple[str, str]]
    environment: list[tuple[str, str]]


def surroundings_of(run: Run) -> dict[str, object]:
    """Context of ``_run_surroundings.html``; empty where nothing was told.

    What ``queuecast.py`` tells has words of its own. Any program may tell anything: the rest, and
    what has another shape, is listed by its name.
    """
    told = dict(run.surroundings)
    if not told:
        return {}
    facts = [
        ("Code", _code(told)),
        ("Folder", _text(told, "folder")),
        ("Host", _text(told, "host")),
        ("GPUs", _gpus(told)),
        ("Python", _text(told, "python")),
        ("Packages", _packages(told)),
    ]
    command, environment = _command(told), _environment(told)
    rest = [(name, setting_words(value)) for name, value in flat(told).items()]
    shown = [(name, value) for name, value in [*facts, *rest] if value]
    return {"surroundings": Surroundings(command, shown, environment)}


# Each takes what it can read out of ``told``.


def _code(told: dict[str, object]) -> str:
    git = told.get("git")
    if not isinstance(git, Mapping) or not isinstance(git.get("commit"), str):
        return ""
    del told["git"]
    branch = f" on {git['branch']}" if git.get("branch") else ""
    changed = ", with changes that were not committed" if git.get("changed") else ""
    return f"commit {git['commit']}{branch}{changed}"


def _command(told: dict[str, object]) -> str:
    return shlex.join(told.pop("argv")) if _are_texts(told.get("argv")) else ""


def _gpus(told: dict[str, object]) -> str:
    if not _are_texts(told.get("gpus")):
        return ""
    kinds = Counter(told.pop("gpus"))
    return ", ".join(f"{count} × {kind}" for kind, count in kinds.items())


def _packages(told: dict[str, object]) -> str:
    packages = told.get("packages")
    if not isinstance(packages, Mapping):
        return ""
    del told["packages"]
    return ", ".join(f"{name} {setting_words(version)}" for name, version in packages.items())


def _environment(told: dict[str, object]) -> list[tuple[str, str]]:
    variables = told.get("environment")
    if not isinstance(variables, Mapping):
        return []
    del told["environment"]
    return [(name, setting_words(value)) for name, value in sorted(variables.items())]


def _text(told: dict[str, object], name: str) -> str:
    return str(told.pop(name)) if isinstance(told.get(name), str) else ""


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
