"""An option of an answer as somebody was told of it: where, when, and how to ask for it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class ToldOption:
    """Times of the start, None: past the horizon (named in ``later_than_horizon``) or not known."""

    where: str  # "gpu, QOS high, a100"
    p10_at: datetime | None
    p50_at: datetime | None
    p90_at: datetime | None
    later_than_horizon: tuple[str, ...]
    sbatch_args: tuple[str, ...]
    approximate: bool  # fitted into futures, not simulated in them

    @classmethod
    def of(cls, option: Mapping[str, Any], snapshot_at: datetime) -> ToldOption:
        """From the JSON of ``POST /api/v1/plan``."""
        p10_at, p50_at, p90_at = (
            None if at_s is None else snapshot_at + timedelta(seconds=at_s)
            for at_s in (option["start"][name] for name in ("p10_s", "p50_s", "p90_s"))
        )
        return cls(
            where=name_of(option),
            p10_at=p10_at,
            p50_at=p50_at,
            p90_at=p90_at,
            later_than_horizon=tuple(option.get("later_than_horizon", ())),
            sbatch_args=tuple(option.get("sbatch_args", ())),
            approximate=option.get("approximate", False),
        )

    @property
    def is_answer(self) -> bool:
        """Whether it says anything of its start."""
        return self.p50_at is not None or "p50" in self.later_than_horizon


def best_of(answer: Mapping[str, Any], snapshot_at: datetime) -> ToldOption | None:
    """The option ranked first: where none starts within the horizon the first that may still;
    None where there is none to wait for."""
    options = answer["options"]
    if answer.get("best") is not None:
        return ToldOption.of(options[answer["best"]], snapshot_at)
    told = (ToldOption.of(option, snapshot_at) for option in options if option["allowed"])
    return next((option for option in told if option.is_answer), None)


def name_of(option: Mapping[str, Any]) -> str:
    """ "gpu, QOS high, a100": what tells an option of an answer from the others."""
    qos, gpu_type = option.get("qos"), option.get("gpu_type")
    words = [option["partition"], f"QOS {qos}" if qos else "", gpu_type or ""]
    return ", ".join(filter(None, words))
