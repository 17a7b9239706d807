"""How often forecasts are made, of how many replicas and how far ahead, so that what is told stays
young within a share of one core: pure."""

from __future__ import annotations

from dataclasses import dataclass

FEW, MANY = 16, 64  # replicas: the fewest that tell a spread, and enough of them
MAX_DUTY = 0.25  # share of one core that forecasts of a cluster may take
HOUR_S = 3600.0  # in whose mean they keep to it
OLDEST_S, OLDEST_OF_MANY_S = 600.0, 1800.0  # when a forecast has been replaced, one of MANY too
SLACK_S = 20.0  # until the beat asks for it and a worker begins
PLANNED_DUTY = 0.9 * MAX_DUTY  # costs vary, and who makes forecasts also scores them
LONGEST_AHEAD_S, LEAST_AHEAD_S = 86_400, 6 * 3600


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one replica that looks ``ahead_s`` ahead; what a forecast takes once is in it."""

    cpu_s: float
    wall_s: float
    ahead_s: int

    def ahead(self, ahead_s: int) -> Cost:
        """Of one that looks so far: about in proportion."""
        by = ahead_s / self.ahead_s
        return Cost(self.cpu_s * by, self.wall_s * by, ahead_s)

    def due_s(self, replicas: int, oldest_s: float = OLDEST_S) -> float:
        """From the facts of one forecast to the beginning of the next, of so many replicas, that
        is there before the first is ``oldest_s`` old."""
        return oldest_s - SLACK_S - replicas * self.wall_s

    def many_next(self, since_many_s: float) -> bool:
        """Whether FEW after a forecast would make MANY after those late; ``since_many_s``: from
        the facts of the last MANY to those of that forecast."""
        in_time_s = self.due_s(MANY, OLDEST_OF_MANY_S)
        return since_many_s + self.due_s(FEW) + self.due_s(MANY) > in_time_s


def replicas_an_hour(cost: Cost) -> float:
    """Inf where they take so long that none can be young."""
    few_s, many_s = cost.due_s(FEW), cost.due_s(MANY)
    if many_s <= 0.0:
        return float("inf")
    forecasts_of_few = 0
    while not cost.many_next(forecasts_of_few * few_s):
        forecasts_of_few += 1
    cycle_s = forecasts_of_few * few_s + many_s
    return HOUR_S * (MANY + forecasts_of_few * FEW) / cycle_s


def share_of_core(cost: Cost) -> float:
    """That forecasts take which are made as late as their age allows."""
    return replicas_an_hour(cost) * cost.cpu_s / HOUR_S


def look_ahead_s(cost: Cost) -> int:
    """As many whole hours as can be afforded, at least LEAST_AHEAD_S."""
    for ahead_s in range(LONGEST_AHEAD_S, LEAST_AHEAD_S, -3600):
        if share_of_core(cost.ahead(ahead_s)) <= PLANNED_DUTY:
            return ahead_s
    return LEAST_AHEAD_S
