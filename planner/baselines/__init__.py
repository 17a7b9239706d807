"""What history alone says of a wait: the methods that a simulation has to beat.

Pure. They know the waits of jobs that have started by now, and of the job in question its shape and
how long it has waited: it is then compared with jobs that waited longer still, and what is told is
what is left. Where too few jobs are like it a method asks wider classes of them, the whole cluster
last, and answers None where even that has too few.
"""

from planner.baselines.binomial import bmbp
from planner.baselines.past import PastWaits, Shape
from planner.baselines.recent import recent_like, recent_median, zero

__all__ = ["PastWaits", "Shape", "bmbp", "recent_like", "recent_median", "zero"]
