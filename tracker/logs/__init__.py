"""The log files of jobs: where Slurm writes them, and reading them without being led astray.

Three steps: ``pattern`` says which file it is, ``opening`` opens it beneath the folders that the
site has named, ``reading`` and ``searching`` take bounded pieces of it.
"""

from tracker.logs.opening import open_log
from tracker.logs.pattern import JobNames, expand, log_path
from tracker.logs.reading import Piece, read_before, read_piece
from tracker.logs.searching import Found, Hit, search
from tracker.logs.unreadable import Kind, LogUnreadable

__all__ = [
    "Found",
    "Hit",
    "JobNames",
    "Kind",
    "LogUnreadable",
    "Piece",
    "expand",
    "log_path",
    "open_log",
    "read_before",
    "read_piece",
    "search",
]
