"""The model against Slurm at one instant: may its simulation be trusted, partition by partition?

The facts tell what Slurm itself computed: priorities (sprio), fair shares (sshare), planned starts
and reasons (squeue). The model computes the same from the same facts; docs/self-check.md says what
counts as equal, and what follows.
"""

from planner.selfcheck.check import Check, check, verdicts
from planner.selfcheck.moments import Moments, moments
from planner.selfcheck.verdict import Trust, Verdict

__all__ = ["Check", "Moments", "Trust", "Verdict", "check", "moments", "verdicts"]
