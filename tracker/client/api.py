"""Requests to the service by urllib, which reads no ~/.netrc."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from typing import Any, Mapping  # noqa: UP035 (Python 3.8)

from tracker.client.server import BusyError, ClientError, Server
from tracker.client.terminal import tell

ANSWER_WITHIN_S = 10
GIVE_UP_AFTER_S = 30  # all attempts of one request, and the pauses between them
FIRST_PAUSE_S = 0.5


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """urllib would carry the token to wherever it is sent, and turn a POST into a GET."""


class Api:
    """Every request may be sent twice: creates and starts carry a key, the rest is idempotent."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer below /api/v1 to a GET, or to a POST of ``body``; asked again while the
        service is away or busy. Raises ClientError."""
        method = "GET" if body is None else "POST"
        deadline, pause_s = time.monotonic() + GIVE_UP_AFTER_S, FIRST_PAUSE_S
        while True:
            left_s = max(deadline - time.monotonic(), 1)
            try:
                return self.ask_once(method, f"/api/v1{path}", body, within_s=left_s)
            except BusyError as error:
                wait_s = max(pause_s, error.again_after_s)
                if time.monotonic() + wait_s >= deadline:
                    raise ClientError(f"{error}; given up, try later") from None
                if pause_s == FIRST_PAUSE_S:
                    tell(f"{error}; trying again for {GIVE_UP_AFTER_S} s")
            time.sleep(wait_s)
            pause_s *= 2

    def ask_once(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        within_s: float = ANSWER_WITHIN_S,
        packed: bool = False,
    ) -> dict[str, Any]:
        """The answer to one request. Raises BusyError where the same may be sent again, else
        ClientError with the server's status. ``packed`` is for addresses that inflate bodies."""
        url, _, source, _ = self.server
        headers = {"Authorization": self._authorization(), "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        if data and packed:
            headers["Content-Encoding"] = "gzip"
            data = gzip.compress(data, 3)
        request = urllib.request.Request(f"{url}{path}", data, headers, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=min(within_s, ANSWER_WITHIN_S)) as response:
                answer: dict[str, Any] = json.loads(response.read())
                return answer
        except urllib.error.HTTPError as error:
            refusal = self._refusal(error)
            refusal.status = error.code
            raise refusal from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                cure = "name your site's certificates in SSL_CERT_FILE"
                raise ClientError(f"{url} is not trusted ({reason}): {cure}") from None
            raise BusyError(f"{url} does not answer ({reason})") from None
        except ValueError:
            raise ClientError(f"{url} is not Queuecast: correct {source}") from None

    def _authorization(self) -> str:
        """Of tasks of an array that share a token, the run's id tells which one asks."""
        _, token, _, run_id = self.server
        if run_id:
            return "Basic " + base64.b64encode(f"{run_id}:{token}".encode()).decode()
        return f"Bearer {token}"

    def _refusal(self, error: urllib.error.HTTPError) -> ClientError:
        (url, _, source, _), code = self.server, error.code
        try:
            with error:
                detail = str(json.loads(error.read())["detail"])
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
            detail = f"{url} answered {code} {error.reason}"
        if code in (429, 502, 503, 504):
            busy = BusyError(f"{url} is busy ({code}: {detail})")
            after = error.headers.get("Retry-After") or ""
            busy.again_after_s = int(after) if re.fullmatch("[0-9]{1,6}", after) else 0
            return busy
        if 300 <= code < 400:
            return ClientError(f"{url} moved to {error.headers['Location']}: correct {source}")
        return ClientError(f"{detail} (token of {source})" if code == 401 else detail)
