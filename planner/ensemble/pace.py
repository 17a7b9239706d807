"""How often schedulers look at a deep queue in replicas."""

from __future__ import annotations

from dataclasses import replace

from planner.sim.cluster import World

# A cycle costs about as much as jobs wait. One each 300 s in place of 30 s took a fifth of the time
# at 5,000 waiting jobs, and moved their starts within two hours by a tenth of the time to them.
PER_JOB_S = 0.1  # so 300 jobs at Slurm's default of 30 s are followed exactly
LONGEST_S = 300.0

# Of a deep queue the far future is looked at less often: at 5,000 waiting jobs a cycle each 1 % of
# the time so far, and a pass each 0.2 % where events call one. Starts got late by 1 % of the wait.
# In proportion, for at 1,000 jobs as much made them late by 12 %, a fifth of it by 1 %.
GROWTH_PER_JOB = 2e-6
MOST_GROWTH = 0.01
PASS_PART = 0.2


def paced_interval_s(world: World) -> float:
    """Seconds between two cycles near the origin: the site's own, or longer where more than a few
    hundred wait.

    Then jobs that fill gaps start later than they will, by half of it on average; those first in
    the queue do not, for the main scheduler starts them.
    """
    return max(world.config.bf_interval_s, min(PER_JOB_S * _waiting(world), LONGEST_S))


def paced(world: World, interval_s: float) -> World:
    """With such an interval near the origin, and further apart the longer time has run."""
    growth = min(GROWTH_PER_JOB * _waiting(world), MOST_GROWTH)
    config = replace(
        world.config,
        bf_interval_s=interval_s,
        bf_interval_growth=growth,
        main_delay_growth=PASS_PART * growth,
    )
    return replace(world, config=config)


def _waiting(world: World) -> int:
    return sum(job.start_s is None for job in world.jobs)
