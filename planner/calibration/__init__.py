"""What past forecasts teach the next one: how far their quantiles lay from what came of them.

Pure. Split conformal prediction (Vovk, Gammerman, Shafer, 2005) on the scale of log(1 + wait), per
group and level, with the newest forecasts counting most (Barber and others, Ann. Stat. 51, 2023);
what a learner says is corrected in part, and its ninth decile tracked.
"""

from planner.calibration.calibration import Calibration, Record
from planner.calibration.told import Told

__all__ = ["Calibration", "Record", "Told"]
