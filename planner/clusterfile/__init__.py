"""A cluster written down in TOML, by Slurm's own names: for machines that nobody captured."""

from planner.clusterfile.reading import read_cluster_file
from planner.clusterfile.tables import ClusterFileError

__all__ = ["ClusterFileError", "read_cluster_file"]
