"""A log on a cluster: what the model of Slurm is given, and what it makes of it."""
