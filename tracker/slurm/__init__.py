"""The Slurm adapter: the only place that knows Slurm's commands and text.

Pure Python: no Django, no database, no simulator. Text goes in, frozen records come out.
"""
