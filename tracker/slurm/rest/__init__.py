"""Slurm's REST API: the same questions, records and deeds as by the commands.

What slurmrestd leaves out stands at the top of each reader. Versions 0.0.36 to 0.0.38 are tried on
a real Slurm 22.05; 0.0.39 to 0.0.43 are reconstructed from the source of later releases.
"""

from tracker.slurm.rest.parsers import PARSERS
from tracker.slurm.rest.submit import job_properties
from tracker.slurm.rest.transport import RestTransport

__all__ = ["PARSERS", "RestTransport", "job_properties"]
