"""Time that has passed already: the weeks before the first start, and stops. Lived in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from planner.demo import site
from planner.sim.config import DAY_S

if TYPE_CHECKING:
    from planner.demo.controller import Controller

# From a rebuild to a look: the scheduler's first passes start what can start, and plan the rest.
SETTLING_S = 5
POLL_S = 20
BRIEF_S = 600  # a stop so short is lived by the rules of every day


class Witness(Protocol):
    """Somebody who looks at the cluster in its past. ``instants`` are epoch seconds, in order: each
    look comes then or soon after, when somebody has submitted a job that waits."""

    def instants(self, born_at: int, now_at: int) -> Sequence[int]: ...

    def look(self, controller: Controller) -> None: ...


def live(controller: Controller, until_at: int, witness: Witness | None) -> None:
    """Let the time up to ``until_at`` pass; from the witness's first instant on by finer rules."""
    looks = witness.instants(controller.now_at, until_at) if witness is not None else ()
    _pass_unseen(controller, looks[0] - SETTLING_S if looks else until_at)
    if witness is not None and looks:
        _pass_seen(controller, looks, witness, until_at)
        controller.pass_time(until_at)
        controller.note_usage()


def _pass_seen(
    controller: Controller, looks: Sequence[int], witness: Witness, until_at: int
) -> None:
    for look_at, next_at in zip(looks, [*looks[1:], until_at], strict=True):
        controller.pass_time(look_at - SETTLING_S)
        _wait_for_a_newcomer(controller, next_at - 2 * SETTLING_S)
        controller.note_usage()
        controller.rebuild(site.FOLLOWED)
        controller.pass_time(controller.now_at + SETTLING_S)
        controller.roster.forget(controller.now_at)
        witness.look(controller)
        controller.simulation.stop_planning()


def _wait_for_a_newcomer(controller: Controller, until_at: int) -> None:
    """Until a job waits that was not there before, as a poll twice a minute finds each of them:
    what was said at submission is what people ask for first."""
    since_at = controller.now_at
    while controller.now_at < until_at and not any(
        one.is_pending and one.submit_at > since_at for one in controller.roster.active.values()
    ):
        controller.pass_time(min(until_at, controller.now_at + POLL_S))


def _pass_unseen(controller: Controller, until_at: int) -> None:
    """A day at a time: only a fresh world knows of the next days' maintenance."""
    if until_at - controller.now_at <= BRIEF_S:
        controller.rebuild(site.LIVE)
        controller.pass_time(until_at)
        controller.note_usage()
        return
    while controller.now_at < until_at:
        controller.rebuild(site.COARSE, keeps_plan=False)
        controller.pass_time(min(until_at, controller.now_at + DAY_S))
        controller.note_usage()
