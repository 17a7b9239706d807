"""The files of jobs, their logs first: where Slurm writes those, and reading any of them without
being led astray.

``pattern`` says which file a log is, ``opening`` opens a file or a folder beneath the folders that
the site has named, ``reading``, ``searching`` and ``listing`` take bounded pieces of it.
"""

from tracker.logs.listing import Entry, Listing, entries_of
from tracker.logs.opening import open_file, opened_folder
from tracker.logs.pattern import JobNames, expand, log_path
from tracker.logs.reading import Piece, read_before, read_piece
from tracker.logs.searching import Found, Hit, search
from tracker.logs.unreadable import Kind, Unreadable

__all__ = [
    "Entry",
    "Found",
    "Hit",
    "JobNames",
    "Kind",
    "Listing",
    "Piece",
    "Unreadable",
    "entries_of",
    "expand",
    "log_path",
    "open_file",
    "opened_folder",
    "read_before",
    "read_piece",
    "search",
]
