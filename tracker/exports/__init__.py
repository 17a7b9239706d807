"""Tables to take away: runs with all that is known of them, or their points; as CSV, JSON, Parquet.

A table is its columns and batches of rows, made one after another: however long it is, memory
holds one batch. ``formats`` writes any table; ``run_tables`` and ``point_tables`` make two.
"""

from tracker.exports.formats import Column, Format, Holds, Table, installed_formats, written
from tracker.exports.point_tables import points_of
from tracker.exports.run_tables import TooWideError, table_of

__all__ = [
    "Column",
    "Format",
    "Holds",
    "Table",
    "TooWideError",
    "installed_formats",
    "points_of",
    "table_of",
    "written",
]
