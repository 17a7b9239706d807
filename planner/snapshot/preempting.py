"""Preemption as the site has set it up."""

from __future__ import annotations

from collections.abc import Collection

from planner.sim.config import PreemptionConfig, PreemptMode
from planner.snapshot.facts import SnapshotNote
from planner.snapshot.parameters import Numbers
from tracker.slurm.durations import parse_duration_s
from tracker.slurm.records import ClusterConfig

_OFF = {"preempt/none", "none", "(null)", ""}
_BY_QOS = {"preempt/partition_prio": False, "preempt/qos": True}
_NOT_MODELLED = {"min_exempt_priority", "reclaim_licenses"}


def build_preemption(config: ClusterConfig, notes: list[SnapshotNote]) -> PreemptionConfig | None:
    """None where no job is ever preempted, or in a way that is not modelled."""
    kind = config.values.get("PreemptType", "")
    words = mode_words(config.values.get("PreemptMode", "OFF"))
    if kind in _OFF or "OFF" in words:
        return None
    if kind not in _BY_QOS:
        notes.append(SnapshotNote(f"PreemptType={kind}", "preemption is not modelled"))
        return None
    if "SUSPEND" in words:
        about = f"PreemptMode={','.join(words)}"
        what = "suspension is not modelled; such jobs are taken as not preempted"
        notes.append(SnapshotNote(about, what))
    parameters = _parameters(config)
    for name in sorted(_NOT_MODELLED & parameters.keys()):
        notes.append(SnapshotNote(f"PreemptParameters={name}", "is not modelled"))
    number = Numbers("PreemptParameters", parameters, notes)
    return PreemptionConfig(
        by_qos=_BY_QOS[kind],
        mode=mode_of(words) or PreemptMode.OFF,
        by_priority="PRIORITY" in words,
        within_qos="WITHIN" in words,
        exempt_s=parse_duration_s(config.values.get("PreemptExemptTime", "")) or 0.0,
        youngest_first="youngest_first" in parameters,
        reorder_count=int(number("reorder_count", 1)),
        strict_order="strict_order" in parameters,
    )


def mode_words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.upper().split(",") if word)


def mode_of(words: Collection[str]) -> PreemptMode | None:
    """What becomes of a job by the words of a PreemptMode; None where they do not say. A job that
    would be suspended is taken as one that is not preempted.
    """
    if "SUSPEND" in words:
        return PreemptMode.OFF
    return next((mode for mode in PreemptMode if mode.value in words), None)


def own_mode(
    about: str,
    words: Collection[str],
    cluster: PreemptionConfig | None,
    notes: list[SnapshotNote],
) -> PreemptMode | None:
    """The mode of a partition or QOS; its flags are modelled only as those of the cluster."""
    if cluster is None:
        return None
    for flag, is_clusters in (("PRIORITY", cluster.by_priority), ("WITHIN", cluster.within_qos)):
        if flag in words and not is_clusters:
            notes.append(SnapshotNote(about, f"PreemptMode={flag} is not modelled"))
    return mode_of(words)


def may_requeue(config: ClusterConfig | None) -> bool:
    """What Slurm takes a job to allow that says neither --requeue nor --no-requeue."""
    return config is None or config.values.get("JobRequeue", "1") != "0"


def requeue_delay_s(config: ClusterConfig, number: Numbers) -> float:
    """requeue_delay (25.11 and later), else how long a credential lives."""
    auth = dict(word.partition("=")[::2] for word in config.values.get("AuthInfo", "").split(","))
    lives = auth.get("cred_expire", "")
    return number("requeue_delay", float(lives) if lives.isdecimal() else 120)


def _parameters(config: ClusterConfig) -> dict[str, str]:
    """PreemptParameters, and those that stood among SchedulerParameters up to 20.02."""
    parameters = {
        name.removeprefix("preempt_"): value
        for name, value in config.scheduler_parameters.items()
        if name.startswith("preempt_")
    }
    text = config.values.get("PreemptParameters", "")
    for word in () if text == "(null)" else text.split(","):
        name, _, value = word.strip().partition("=")
        parameters[name.lower()] = value
    return parameters
