"""Questions and deeds over HTTP, with slurmrestd's place taken by a small server."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from tests.slurm.restd import Restd, answer, serving
from tracker.slurm.client import Slurm
from tracker.slurm.commands import COMMANDS, accounting_argv
from tracker.slurm.errors import SlurmRefused, SlurmUnavailable
from tracker.slurm.rest import RestTransport

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "aaa.bbb.ccc"
ASKED = {
    "GET /slurm/v0.0.38/jobs": "slurm_38_jobs",
    "GET /slurmdb/v0.0.38/jobs": "slurmdb_38_jobs",
    "GET /slurm/v0.0.38/nodes": "slurm_38_nodes",
    "GET /slurm/v0.0.38/partitions": "slurm_38_partitions",
    "GET /slurm/v0.0.38/reservations": "slurm_38_reservations",
    "GET /slurm/v0.0.38/diag": "slurm_38_diag",
    "GET /slurmdb/v0.0.38/qos": "slurmdb_38_qos",
    "GET /slurmdb/v0.0.38/associations": "slurmdb_38_associations",
}
BAD_TOKEN = '{"errors": [{"error_number": 1007, "error": "Protocol authentication error"}]}'
NOTHING = '{"errors": [{"error_number": 9003, "error": "Nothing found with query"}], "jobs": []}'


@pytest.fixture
def restd() -> Iterator[Restd]:
    with serving(Restd()) as restd:
        restd.offer(36, 37, 38)
        restd.answers |= {path: (200, answer(name)) for path, name in ASKED.items()}
        yield restd


@pytest.fixture
def transport(restd: Restd) -> RestTransport:
    return RestTransport(restd.url, "ada", lambda: TOKEN)


def error(number: int, text: str) -> tuple[int, str]:
    return 500, json.dumps({"errors": [{"error_number": number, "error": text}]})


def test_every_question_that_it_can_answer_is_answered_in_records(
    transport: RestTransport,
) -> None:
    slurm = Slurm(transport)
    assert len(slurm.queue()) == 76
    assert len(slurm.accounting(NOON)) == 17
    assert len(slurm.nodes()) == len(slurm.sinfo()) == 22
    assert len(slurm.partitions()) == 4
    assert len(slurm.reservations()) == 2
    assert len(slurm.qos()) == 3
    assert len(slurm.associations()) == 13
    assert slurm.diagnostics().jobs_pending == 225


def test_what_it_cannot_tell_is_not_asked(restd: Restd, transport: RestTransport) -> None:
    silent = {name for name in COMMANDS if not transport.offers(name)}
    assert silent == {"config", "sprio", "sshare"}
    with pytest.raises(SlurmRefused, match="cannot tell what sshare tells"):
        Slurm(transport).shares()
    assert restd.asked == []


def test_the_token_stands_in_a_header_and_nowhere_else(
    restd: Restd, transport: RestTransport
) -> None:
    output = Slurm(transport).fetch("squeue")
    assert output.argv == ("GET", "/slurm/v0.0.38/jobs")
    assert (output.rc, output.stderr, output.name) == (0, "", "squeue")
    assert output.stdout == answer("slurm_38_jobs")
    assert restd.asked[-1].headers["X-SLURM-USER-NAME"] == "ada"
    assert restd.asked[-1].headers["X-SLURM-USER-TOKEN"] == TOKEN
    assert not any(TOKEN in line for line in restd.lines)


def test_the_version_is_asked_once_and_the_newest_known_one_taken(restd: Restd) -> None:
    restd.offer(36, 37, 99)
    restd.answers["GET /slurm/v0.0.37/jobs"] = (200, answer("slurm_38_jobs"))
    transport = RestTransport(restd.url, "ada", lambda: TOKEN)
    for _ in range(2):
        Slurm(transport).queue()
    assert restd.lines == ["GET /openapi/v3", *["GET /slurm/v0.0.37/jobs"] * 2]


def test_a_server_without_a_known_version_is_named_with_what_it_offers(restd: Restd) -> None:
    restd.offer(35, 99)
    with pytest.raises(SlurmRefused, match=r"offers of Slurm's REST API v0.0.35, v0.0.99; one of"):
        Slurm(RestTransport(restd.url, "ada", lambda: TOKEN)).queue()


def test_accounting_is_asked_by_window_as_an_epoch(restd: Restd, transport: RestTransport) -> None:
    Slurm(transport).accounting(NOON)
    assert restd.lines[-1] == ("GET /slurmdb/v0.0.38/jobs?skip_steps=true&start_time=uts1795435200")


def test_accounting_is_asked_by_many_ids_at_once(restd: Restd, transport: RestTransport) -> None:
    output = transport.run("sacct", accounting_argv(None, [12, 13]), timeout_s=10)
    assert restd.lines[-1] == "GET /slurmdb/v0.0.38/jobs?skip_steps=true&step=12%2C13"
    assert output.argv[1] == "/slurmdb/v0.0.38/jobs?skip_steps=true&step=12%2C13"


def test_nothing_found_is_an_empty_answer(restd: Restd, transport: RestTransport) -> None:
    meta = '{"meta": {"plugin": {"type": "openapi/dbv0.0.38"}}, '
    restd.answers["GET /slurmdb/v0.0.38/jobs"] = (200, meta + NOTHING[1:])
    assert Slurm(transport).accounting(None, [999]) == []


def test_no_token_is_refused_in_the_servers_words(restd: Restd) -> None:
    restd.answers["GET /openapi/v3"] = (401, "Authentication failure")
    with pytest.raises(SlurmRefused, match="HTTP 401: Authentication failure"):
        Slurm(RestTransport(restd.url, "ada", lambda: "")).queue()
    assert "X-SLURM-USER-TOKEN" not in restd.asked[-1].headers


def test_a_bad_token_is_told_from_a_controller_that_is_away(
    restd: Restd, transport: RestTransport
) -> None:
    restd.answers["GET /slurm/v0.0.38/jobs"] = (500, answer("slurm_38_bad_token"))
    restd.answers["GET /slurmdb/v0.0.38/tres"] = (500, BAD_TOKEN)
    with pytest.raises(SlurmRefused, match="does not accept the token of ada: make a new one"):
        Slurm(transport).queue()
    restd.answers["GET /slurmdb/v0.0.38/tres"] = (200, '{"errors": []}')
    with pytest.raises(SlurmUnavailable, match="Failed while looking for jobs"):
        Slurm(transport).queue()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1800, "Unable to contact slurm controller (connect failure)"),
        (5005, "Zero Bytes were transmitted or received"),
        (7000, "Unable to connect to database"),
    ],
)
def test_a_slurm_that_is_down_is_unavailable(
    restd: Restd, transport: RestTransport, number: int, text: str
) -> None:
    restd.answers["GET /slurmdb/v0.0.38/qos"] = error(number, text)
    with pytest.raises(SlurmUnavailable) as caught:
        Slurm(transport).qos()
    assert text in str(caught.value)


def test_errors_in_a_good_looking_answer_are_a_refusal(
    restd: Restd, transport: RestTransport
) -> None:
    restd.answers["GET /slurmdb/v0.0.38/qos"] = (200, answer("slurmdb_38_diag_forbidden"))
    with pytest.raises(SlurmRefused, match="Access/permission denied"):
        Slurm(transport).qos()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, SlurmRefused), (403, SlurmRefused), (502, SlurmUnavailable), (503, SlurmUnavailable)],
)
def test_an_answer_of_a_proxy_shows_its_status(
    restd: Restd, transport: RestTransport, status: int, kind: type[Exception]
) -> None:
    restd.answers["GET /slurm/v0.0.38/jobs"] = (status, "<html> go\n away")
    with pytest.raises(kind, match=f"HTTP {status}: <html> go away"):
        Slurm(transport).queue()


def test_no_redirect_is_followed(restd: Restd, transport: RestTransport) -> None:
    with serving(Restd()) as elsewhere:
        restd.location = f"{elsewhere.url}/slurm/v0.0.38/jobs"
        restd.answers["GET /slurm/v0.0.38/jobs"] = (302, "moved")
        with pytest.raises(SlurmRefused, match="HTTP 302"):
            Slurm(transport).queue()
        assert elsewhere.asked == []


def test_nobody_at_the_port_is_unavailable(restd: Restd) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # taken, and nobody listens
        transport = RestTransport(f"http://127.0.0.1:{silent.getsockname()[1]}", "ada", str)
        with pytest.raises(SlurmUnavailable, match="does slurmrestd run there"):
            Slurm(transport).queue()


def test_an_answer_that_comes_in_drops_is_ended_when_its_time_is_up(
    restd: Restd, transport: RestTransport
) -> None:
    Slurm(transport).diagnostics()
    restd.pause_s = 0.05
    clock = time.monotonic()
    with pytest.raises(SlurmUnavailable, match="no whole answer in time"):
        transport.run("squeue", (), timeout_s=0.4)
    assert time.monotonic() - clock < 3


def test_an_answer_without_end_is_ended(restd: Restd) -> None:
    transport = RestTransport(restd.url, "ada", lambda: TOKEN, max_output_bytes=10_000)
    with pytest.raises(SlurmUnavailable, match="more than 10000 bytes"):
        Slurm(transport).queue()


def test_half_an_answer_is_none(tmp_path: Path) -> None:
    """By a unix socket, too."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def speak() -> None:
            peer = listener.accept()[0]
            with peer:
                peer.recv(10_000)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        thread = Thread(target=speak)
        thread.start()
        with pytest.raises(SlurmUnavailable, match="IncompleteRead"):
            Slurm(RestTransport(f"unix:{path}", "ada", str)).queue()
        thread.join()


@pytest.mark.parametrize(
    "url",
    ["", "localhost:6820", "ftp://host", "http://", "http://a:b@host", "http://host?x=1",
     "http://host:99999", "unix:relative", "file:///etc/passwd", "http://host\nX: y"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_the_cure(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        RestTransport(url, "ada", str)


def test_a_path_before_slurms_own_is_kept(restd: Restd) -> None:
    restd.answers["GET /hpc/openapi/v3"] = restd.answers["GET /openapi/v3"]
    restd.answers["GET /hpc/slurm/v0.0.38/diag"] = (200, answer("slurm_38_diag"))
    assert Slurm(RestTransport(f"{restd.url}/hpc/", "ada", str)).diagnostics().jobs_running == 49


@pytest.mark.parametrize("token", ["aaa\r\nX-SLURM-USER-NAME: root", "ä", "a\x00"])
def test_a_token_of_several_lines_is_refused_unsent_and_unshown(restd: Restd, token: str) -> None:
    with pytest.raises(SlurmRefused) as caught:
        Slurm(RestTransport(restd.url, "ada", lambda: token)).queue()
    assert token not in str(caught.value)
    assert restd.asked == []
