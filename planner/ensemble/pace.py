"""How often replicas of a deep queue let backfill look at it."""

from __future__ import annotations

from planner.sim.cluster import World

# A cycle costs about as much as jobs wait. One each 300 s in place of 30 s took a fifth of the time
# at 5,000 waiting jobs, and moved their starts within two hours by a tenth of the time to them.
PER_JOB_S = 0.1  # so 300 jobs at Slurm's default of 30 s are followed exactly
LONGEST_S = 300.0


def paced_interval_s(world: World) -> float:
    """Seconds between two cycles: the site's own, or longer where more than a few hundred wait.

    Then jobs that fill gaps start later than they will, by half of it on average; those first in
    the queue do not, for the main scheduler starts them.
    """
    waiting = sum(job.start_s is None for job in world.jobs)
    return max(world.config.bf_interval_s, min(PER_JOB_S * waiting, LONGEST_S))
