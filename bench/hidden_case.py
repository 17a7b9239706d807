"""One question asked in a hidden world: what was advised, and what each option truly came to."""

from __future__ import annotations

from dataclasses import dataclass

from bench.hidden_truth import LONGEST_WAIT_S

NEAR_S, NEAR_SHARE = 600.0, 0.1


def near_s(wait_s: float) -> float:
    """What makes no difference to somebody who waits so long."""
    return max(NEAR_S, NEAR_SHARE * wait_s)


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to submit the job: what was said of its start, in seconds, and the truth.

    What was said is None where it was not, infinite where it was "later than the horizon".
    """

    what: str  # the options of sbatch
    p50_s: float | None
    p90_s: float | None
    start_s: float  # the true one; infinite: not within LONGEST_WAIT_S
    limit_s: float

    @property
    def wait_s(self) -> float:
        return min(self.start_s, LONGEST_WAIT_S)


@dataclass(frozen=True, slots=True)
class Followed:
    """The smallest change, as advised for the option ranked first, and what it did."""

    field: str
    is_of_start: bool  # else of the finish
    promised_s: float
    before: Choice
    after: Choice


@dataclass(frozen=True, slots=True)
class Case:
    """``choices`` in the order in which they are told at last; ``fitted``: as told at once, and
    ``inserted``: as true insertion of all of them ranks them, empty where that was not asked."""

    kind: str
    world: int
    asked: str
    run_s: float  # true, without a limit
    choices: tuple[Choice, ...]
    default: Choice | None  # what sbatch does with the request as asked; None: it refuses
    change: Followed | None
    fitted: tuple[Choice, ...]
    inserted: tuple[Choice, ...] = ()

    @property
    def first(self) -> Choice:
        return self.choices[0]

    @property
    def has_choice(self) -> bool:
        return len(self.choices) > 1

    @property
    def waits(self) -> bool:
        """Whether there is an option that does not start within ten minutes."""
        return max(choice.wait_s for choice in self.choices) > NEAR_S

    @property
    def matters(self) -> bool:
        """Whether some option would be wrong."""
        return not all(self.is_right(choice) for choice in self.choices)

    def finish_s(self, choice: Choice) -> float:
        return choice.wait_s + min(self.run_s, choice.limit_s)

    def regret_s(self, choice: Choice) -> float:
        return self.finish_s(choice) - self.finish_s(self._best)

    def is_right(self, choice: Choice) -> bool:
        """The earliest to finish, or within 10 minutes or 10 % of the wait for the earliest."""
        return self.regret_s(choice) <= near_s(self._best.wait_s)

    def gain_s(self) -> float | None:
        """Of the option ranked first over the default; None: there is no default."""
        if self.default is None:
            return None
        return self.finish_s(self.default) - self.finish_s(self.first)

    def harms(self) -> bool | None:
        """Later than the default by more than 10 minutes and more than 10 % of its wait."""
        gain_s = self.gain_s()
        if gain_s is None or self.default is None:
            return None
        return gain_s < -near_s(self.default.wait_s)

    def is_killed(self, change: Followed) -> bool:
        """By the new limit, and not by the old one."""
        return change.after.limit_s < self.run_s <= change.before.limit_s

    def change_gain_s(self, change: Followed) -> float:
        """The true one; of a job that its new limit kills, the loss of all the time spent on it."""
        before, after = change.before, change.after
        if self.is_killed(change):
            return -(after.wait_s + after.limit_s)
        if change.is_of_start:
            return before.wait_s - after.wait_s
        return self.finish_s(before) - self.finish_s(after)

    @property
    def _best(self) -> Choice:
        return min(self.choices, key=self.finish_s)
