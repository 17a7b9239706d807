"""The demo cluster's memory: every attempt of every job, and the clock, in one SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from planner.demo.jobs import Attempt, Script

_SCHEMA = """
CREATE TABLE IF NOT EXISTS attempts (
  db_index INTEGER PRIMARY KEY,
  job_id INTEGER NOT NULL,
  array_id INTEGER,
  end_at REAL,             -- null: pending or running
  body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_end ON attempts (end_at);
CREATE INDEX IF NOT EXISTS attempts_job ON attempts (job_id);
CREATE INDEX IF NOT EXISTS attempts_array ON attempts (array_id);
CREATE TABLE IF NOT EXISTS scripts (job_id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Journal:
    """Changes are kept by ``commit``; what comes after the last one is lost with the process."""

    def __init__(self, path: Path) -> None:
        # Scripts may hold secrets in their environment: nobody else reads the file or its log.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(descriptor)
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA secure_delete=ON")
        self._db.executescript(_SCHEMA)
        last = self._db.execute("SELECT max(db_index) FROM attempts").fetchone()[0]
        self._last_index = last or 0
        self._unwritten: dict[int, Attempt] = {}

    @property
    def is_changed(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._unwritten) or self._db.in_transaction

    def commit(self) -> None:
        self._write()
        self._db.commit()

    def close(self) -> None:
        self.commit()
        self._db.close()

    def save(self, attempt: Attempt) -> None:
        """Write an attempt, new or changed; a new one gets its ``db_index``."""
        if attempt.db_index is None:
            self._last_index += 1
            attempt.db_index = self._last_index
        # A job that comes, starts and ends between two commits is written once, not three times.
        self._unwritten[attempt.db_index] = attempt

    def _write(self) -> None:
        if not self._unwritten:
            return  # executemany would open a transaction even for nothing
        rows = [
            (one.db_index, one.job_id, one.array_id, one.end_at, one.to_json())
            for one in self._unwritten.values()
        ]
        self._db.executemany("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?)", rows)
        self._unwritten.clear()

    def active(self) -> list[Attempt]:
        """Pending and running attempts, oldest first."""
        return self._select("end_at IS NULL")

    def ended(self, since_at: float) -> list[Attempt]:
        """Attempts that ended at or after that instant, oldest first."""
        return self._select("end_at >= ?", since_at)

    def of_jobs(self, job_ids: Iterable[int]) -> list[Attempt]:
        """All attempts of the jobs with these raw or array ids, oldest first."""
        ids = list(job_ids)
        marks = ",".join("?" * len(ids))
        return self._select(f"job_id IN ({marks}) OR array_id IN ({marks})", *ids, *ids)

    def _select(self, condition: str, *values: float) -> list[Attempt]:
        self._write()
        query = f"SELECT body FROM attempts WHERE {condition} ORDER BY db_index"  # noqa: S608
        return [Attempt.from_json(body) for (body,) in self._db.execute(query, values)]

    # --- scripts of real jobs, by the id that sbatch printed
    def save_script(self, job_id: int, script: Script) -> None:
        body = json.dumps(asdict(script))
        self._db.execute("INSERT OR REPLACE INTO scripts VALUES (?, ?)", (job_id, body))

    def script(self, job_id: int) -> Script:
        """Raises KeyError once the job has ended."""
        row = self._db.execute("SELECT body FROM scripts WHERE job_id = ?", (job_id,)).fetchone()
        if row is None:
            raise KeyError(job_id)
        values = json.loads(row[0])
        return Script(**values | {"arguments": tuple(values["arguments"])})

    def forget_script(self, job_id: int) -> None:
        self._db.execute("DELETE FROM scripts WHERE job_id = ?", (job_id,))

    # --- the clock, the next job id, usage
    def fact(self, name: str) -> Any:
        """What was stored under the name; None if nothing was."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))
