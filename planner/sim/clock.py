"""Appointments with SimPy's clock, which takes delays where schedules are made of times."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nextafter

from simpy import Environment, Event, Timeout


def call_at(
    env: Environment, at_s: float, act: Callable[[Event], None], value: object = None
) -> None:
    """Act at that time, and never a rounding error before it."""
    now_s = env.now
    delay_s = at_s - now_s
    while now_s + delay_s < at_s:
        delay_s = nextafter(delay_s, inf)
    Timeout(env, delay_s, value).callbacks.append(act)
