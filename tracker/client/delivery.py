"""Brings the lines of a spool to the service, in their order. A line may be sent twice."""

from __future__ import annotations

import json
from typing import Any, Callable, Iterator, NamedTuple, Sequence  # noqa: UP035 (Python 3.8)
from urllib.parse import urlencode

from tracker.client.api import Api
from tracker.client.server import ClientError
from tracker.client.values import line_of, points_of

POINTS_A_REQUEST = 1_000
WRONG = (400, 413, 422)  # what a line holds is refused: it never passes


class RunHead(NamedTuple):
    """Whose lines they are: the header of each segment."""

    experiment: str
    create: dict[str, Any]  # what the run is created with
    attempt: int | None = None  # None outside of Slurm
    run_id: str | None = None  # where it is known
    started_run: str = ""  # that Queuecast has started this job for
    slurm_cluster: str = ""  # as the job's environment names it

    def line(self) -> bytes:
        return line_of({"run": self._asdict()})


class Delivery:
    """Sends a spool that begins with a header. ``refuse`` takes a line that never passes, and
    why. ``by_job`` is whether the token is the job's own, by which its run is known."""

    def __init__(
        self, api: Api, refuse: Callable[[bytes, str], None], *, by_job: bool = True
    ) -> None:
        self._api, self._refuse, self._by_job = api, refuse, by_job
        self._head = RunHead("", {})
        self.run_id = ""

    def send(self, lines: Sequence[bytes]) -> Iterator[int]:
        """How many bytes need not be sent again, after each request. Raises ClientError where the
        service is away, or will not take these lines now."""
        batch: list[tuple[bytes, dict[str, Any]]] = []
        waiting = 0
        for line in lines:
            record = _record(line)
            if "m" in record and waiting + len(record["m"]) <= POINTS_A_REQUEST:
                batch.append((line, record))
                waiting += len(record["m"])
                continue
            if batch:
                yield self._send_points(batch)
                batch, waiting = [], 0
            if "m" in record:
                batch, waiting = [(line, record)], len(record["m"])
            else:
                self._send_other(line, record)
                yield len(line)
        if batch:
            yield self._send_points(batch)

    def _send_points(self, batch: Sequence[tuple[bytes, dict[str, Any]]]) -> int:
        points = [p for _, record in batch for p in points_of(record, self._head.attempt)]
        try:
            self._api.ask_once("POST", f"/runs/{self.run_id}/metrics", points, packed=True)
        except ClientError as error:
            if error.status not in WRONG:
                raise
            if len(batch) == 1:
                self._refuse(batch[0][0], str(error))
            else:  # one bad point must not take a thousand with it
                middle = len(batch) // 2
                self._send_points(batch[:middle])
                self._send_points(batch[middle:])
        return sum(len(line) for line, _ in batch)

    def _send_other(self, line: bytes, record: dict[str, Any]) -> None:
        path = f"/api/v1/runs/{self.run_id}"
        try:
            if "run" in record:
                self._head = RunHead(**record["run"])
                self.run_id = self._head.run_id or self.run_id or self._create()
            elif "words" in record:
                self._api.ask_once("PATCH", path, record["words"])
            elif "status" in record:
                self._say(path, record["status"])
            elif "artifact" in record:
                self._api.ask_once("POST", f"{path}/artifacts", record["artifact"])
            else:
                self._refuse(line, "it is no line of a spool")
        except ClientError as error:
            if "run" in record or error.status not in WRONG:
                raise
            self._refuse(line, str(error))

    def _say(self, path: str, words: dict[str, Any]) -> None:
        """What a run says of itself is about its own attempt, and not about a later one."""
        if self._head.attempt is not None:
            known = self._api.ask_once("GET", path).get("attempt") or 0
            if known > self._head.attempt:
                return
        try:
            self._api.ask_once("PATCH", path, words)
        except ClientError as error:
            if error.status != 409:  # Slurm has told its end already
                raise

    def _create(self) -> str:
        """The run's id. A requeued job goes on with its run, also where its configuration names
        another checkpoint now; outside of Slurm the answer to a create may have been lost."""
        head = self._head
        path = f"/experiments/{head.experiment}/runs"
        if head.started_run and not self._by_job:
            return head.started_run
        if head.attempt != 0 and (known := self._created(path)):
            return known
        try:
            return str(self._api.ask_once("POST", path, head.create)["run_id"])
        except ClientError as error:
            if error.status != 409 or head.create.get("cluster") or not head.slurm_cluster:
                raise
        # where there are several, it must be named; what Slurm calls it is known only to some
        create = {**head.create, "cluster": head.slurm_cluster}
        return str(self._api.ask_once("POST", path, create)["run_id"])

    def _created(self, path: str) -> str | None:
        create = self._head.create
        by = [name for name in ("slurm_job_id", "seed", "key") if create.get(name) is not None]
        asked = urlencode({name: create[name] for name in by})
        runs = self._api.ask_once("GET", f"/api/v1{path}?{asked}")["results"]
        found = [run for run in runs if all(run.get(name) == create[name] for name in by)]
        return str(found[0]["run_id"]) if len(found) == 1 else None


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:  # a write that was cut short
        return {}
    return record if isinstance(record, dict) else {}
