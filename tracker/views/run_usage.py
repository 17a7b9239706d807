"""A run's "asked against used": what its attempt used, and what the next one should ask for."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.models import Actor, Experiment, Run
from tracker.usage.next_request import Spent, gib, in_words
from tracker.usage.spending import advice_of, advice_of_experiment, ended_attempt, spent_by


@dataclass(frozen=True, slots=True)
class Row:
    """``percent`` of what was asked for, None where there is no such share."""

    what: str
    asked: str
    used: str
    percent: int | None = None

    @property
    def label(self) -> str:
        return f"{self.what}: {self.percent} % of what was asked for"

    @property
    def filled(self) -> int:
        """Of a bar of 100."""
        return min(self.percent or 0, 100)

    @property
    def left(self) -> int:
        return 100 - self.filled


def usage_of(run: Run, actor: Actor) -> dict[str, object]:
    """Context of ``_run_usage.html``; empty for a job that has not run, or that is hidden."""
    attempt = ended_attempt(run, actor)
    if attempt is None:
        return {}
    spent = spent_by(attempt)
    return {
        "usage": {
            "rows": rows_of(spent),
            "is_recorded": spent.max_rss_mib is not None or spent.cpu_s is not None,
            "is_read": hasattr(attempt, "usage"),
            "runs_in_job": attempt.job.runs.filter(deleted_at=None).count(),
            "advice": advice_of(run, attempt, actor),
        }
    }


def usage_of_experiment(experiment: Experiment, actor: Actor) -> dict[str, object]:
    """Context of ``_experiment_usage.html``."""
    return {"next_request": advice_of_experiment(experiment, actor)}


def rows_of(spent: Spent) -> list[Row]:
    """Resources of which something is known to have been used."""
    rows = [_time(spent), _cpus(spent), _memory(spent), _gpus(spent), _gpu_memory(spent)]
    return [row for row in rows if row is not None]


def _time(spent: Spent) -> Row | None:
    if spent.elapsed_s is None:
        return None
    limit_s = spent.limit_minutes and spent.limit_minutes * 60
    asked = in_words(limit_s) if limit_s else ""
    return Row("Time", asked, in_words(spent.elapsed_s), _percent(spent.elapsed_s, limit_s))


def _cpus(spent: Spent) -> Row | None:
    if spent.cpus_used is None:
        return None
    used = f"{spent.cpus_used:.1f} busy on average"
    return Row("CPUs", str(spent.cpus or ""), used, _percent(spent.cpus_used, spent.cpus))


def _memory(spent: Spent) -> Row | None:
    used_mib, asked_mib = spent.used_mib_per_node, spent.mem_mib_per_node
    if used_mib is None:
        return None
    name = "Memory" if spent.nodes == 1 else "Memory a node"
    asked = gib(asked_mib) if asked_mib else ""
    return Row(name, asked, f"{gib(used_mib)} at its peak", _percent(used_mib, asked_mib))


def _gpus(spent: Spent) -> Row | None:
    percent = spent.gpu_util_percent
    if percent is None or not spent.gpus:
        return None
    used = f"highest sample {percent} %"
    # A task with several GPUs may count the use of all of them.
    return Row("GPUs", str(spent.gpus), used, percent if percent <= 100 else None)


def _gpu_memory(spent: Spent) -> Row | None:
    if spent.gpu_mem_mib is None or not spent.gpus:
        return None
    return Row("GPU memory", "", f"{gib(spent.gpu_mem_mib)} of the largest task")


def _percent(used: float, asked: float | None) -> int | None:
    return round(100 * used / asked) if asked else None
