"""slurmrestd as one user sees it: which version it speaks, and what its refusals mean."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from tracker.slurm.errors import SlurmRefused, SlurmUnavailable
from tracker.slurm.rest.exchange import Answer, exchange, read_address
from tracker.slurm.rest.refusals import AMBIGUOUS, BAD_TOKEN, Complaint, complaints, refusal

VERSIONS = range(36, 44)  # of which 36 to 38 are tried on a real Slurm
_OFFERED = re.compile(r"/slurm/v0\.0\.([0-9]{1,4})/", re.ASCII)


class RestServer:
    """Deadlines are of ``time.monotonic``; a ``{}`` in a path is the version."""

    def __init__(
        self, url: str, user: str, token: Callable[[], str], max_output_bytes: int
    ) -> None:
        self.address = read_address(url)
        self.user, self.token, self.max_output_bytes = user, token, max_output_bytes
        self._version: int | None = None

    def version(self, deadline: float) -> int:
        """The newest that both sides know, 38 for v0.0.38; asked once."""
        if self._version is None:
            answer = self.exchange("GET", "/openapi/v3", deadline)
            if answer.status != 200:
                self.check("GET", "/openapi/v3", answer, complaints(answer), deadline)
            offered = {int(number) for number in _OFFERED.findall(answer.text.replace("\\/", "/"))}
            if not offered & set(VERSIONS):
                told = ", ".join(f"v0.0.{number}" for number in sorted(offered)) or "none"
                raise SlurmRefused(
                    f"{self.address.url} offers of Slurm's REST API {told}; one of v0.0."
                    f"{VERSIONS[0]} to v0.0.{VERSIONS[-1]} is needed"
                )
            self._version = max(offered & set(VERSIONS))
        return self._version

    def path(self, path: str, deadline: float) -> str:
        return path.format(f"v0.0.{self.version(deadline)}")

    def get(self, path: str, deadline: float) -> Answer:
        """Raises SlurmUnavailable or SlurmRefused where there is no good one."""
        answer = self.exchange("GET", path, deadline)
        self.check("GET", path, answer, complaints(answer), deadline)
        return answer

    def check(
        self,
        method: str,
        path: str,
        answer: Answer,
        found: list[Complaint] | None,
        deadline: float,
    ) -> None:
        """Raises what this answer means, given the complaints in it, if it is not a good one."""
        problem = refusal(f"{method} {path.partition('?')[0]}", answer, found)
        if problem is None:
            return
        if any(c.number in AMBIGUOUS for c in found or ()) and self._token_is_bad(deadline):
            raise SlurmRefused(
                f"{problem}; Slurm does not accept the token of {self.user}: make a new one with "
                f"scontrol token username={self.user}"
            )
        raise problem

    def _token_is_bad(self, deadline: float) -> bool:
        """Only the database says so; of the controller it reads the same as when that is away."""
        try:
            answer = self.exchange("GET", self.path("/slurmdb/{}/tres", deadline), deadline)
        except SlurmUnavailable:
            return False
        return any(complaint.number == BAD_TOKEN for complaint in complaints(answer) or ())

    def exchange(
        self, method: str, path: str, deadline: float, body: bytes | None = None
    ) -> Answer:
        headers = {"X-SLURM-USER-NAME": self.user, "Accept": "application/json"}
        if token := self.token().strip():
            headers["X-SLURM-USER-TOKEN"] = token
        if any(not (value.isascii() and value.isprintable()) for value in headers.values()):
            raise SlurmRefused(f"the name or the token of {self.user!r} is not one printable word")
        if body is not None:
            headers["Content-Type"] = "application/json"
        return exchange(
            self.address,
            method,
            path,
            headers,
            body,
            timeout_s=max(deadline - time.monotonic(), 0.001),
            max_output_bytes=self.max_output_bytes,
        )
