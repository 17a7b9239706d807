"""The command line for login nodes, against a small server that answers as the API does."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, Timer
from types import SimpleNamespace
from typing import Any

import pytest

from tests.client.onefile import FILE, queuecast
from tests.services import free_port

SECRET = "1a2b3c4dOf_this-test"
RUN = "0190" * 8
OTHER = "0191" * 8
STARTED = {"submission_id": 7, "runs": [{"run_id": RUN, "status": "SUBMITTING", "seed": 1}]}


@dataclass
class Answer:
    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    method: str
    path: str
    token: str | None
    body: Any
    at: float


@dataclass
class Api:
    """Answers by method and path below /api/v1; of several the last one stays."""

    port: int
    answers: dict[str, list[Answer | None]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    hold_s: float = 0

    def answer(self, what: str, *answers: Answer | None) -> None:
        """``what`` is "GET /runs/…"; None closes the connection without an answer."""
        self.answers[what] = list(answers)

    def next_answer(self, what: str) -> Answer | None:
        left = self.answers.get(what) or [problem(404, f"no answer to {what}")]
        return left.pop(0) if len(left) > 1 else left[0]

    @property
    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


def problem(status: int, detail: str, **headers: str) -> Answer:
    body = {"type": "about:blank", "title": "No", "status": status, "detail": detail}
    return Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def serve(api: Api) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            size = int(self.headers["Content-Length"] or 0)
            path = self.path.removeprefix("/api/v1")
            body = json.loads(self.rfile.read(size)) if size else None
            token = self.headers["Authorization"]
            api.asked.append(Asked(self.command, path, token, body, time.monotonic()))
            time.sleep(api.hold_s)
            answer = api.next_answer(f"{self.command} {path}")
            if answer is None:
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            raw = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            self.wfile.write(raw.encode())

        do_GET = do_POST = _take  # noqa: N815 (names of http.server)

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True  # the client has given up waiting

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", api.port), Handler)
    api.port = server.server_port
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a user whose environment says nothing of Queuecast, and who waits less than real ones."""
    for name in ("TRACKER_API", "QUEUECAST_URL", "QUEUECAST_TOKEN", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(queuecast, "FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(queuecast, "FOLLOW_EVERY_S", 0.02)
    return tmp_path


@pytest.fixture
def api(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    api = Api(0)
    with serve(api) as server:
        monkeypatch.setenv("TRACKER_API", f"http://token:{SECRET}@127.0.0.1:{api.port}")
        yield api
        server.shutdown()


# --- starting
def test_start_sends_what_was_asked_for_and_tells_the_runs(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer("POST /experiments/3/start", Answer(STARTED, 202))
    words = ["start", "3", "--seeds", "1,-2,3", "--set", "lr=3e-4", "--set", "model=unet"]
    words += ["--cluster", "lab", "--partition", "gpu", "--time", "2:00:00"]
    assert queuecast.main([*words, "--request", "gres=gpu:2"]) == 0
    [asked] = api.asked
    assert asked.token == f"Bearer {SECRET}"
    key = asked.body.pop("key")
    assert len(key) == 32
    assert asked.body == {
        "seeds": [1, -2, 3],
        "configs": [{"lr": 3e-4, "model": "unet"}],
        "request": {"partition": "gpu", "time": "2:00:00", "gres": "gpu:2"},
        "cluster": "lab",
    }
    assert capsys.readouterr().out == f"submission 7\n{RUN}  SUBMITTING  seed 1\n"


def test_start_of_nothing_special_leaves_all_to_the_experiment(api: Api) -> None:
    api.answer("POST /experiments/3/start", Answer(STARTED, 202))
    assert queuecast.main(["start", "3"]) == 0
    body = api.asked[0].body
    del body["key"]
    assert body == {"seeds": [], "configs": [], "request": {}, "cluster": None}


def test_configurations_come_from_files_and_standard_input_with_settings_over_them(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.answer("POST /experiments/3/start", Answer(STARTED, 202))
    (tmp_path / "sweep.json").write_text('[{"lr": 1, "depth": 2}, {"lr": 2}]')
    monkeypatch.setattr("sys.stdin", io.StringIO('{"lr": 3}'))
    words = ["--config", str(tmp_path / "sweep.json"), "--config", "-", "--set", "depth=9"]
    assert queuecast.main(["start", "3", *words]) == 0
    expected = [{"lr": 1, "depth": 9}, {"lr": 2, "depth": 9}, {"lr": 3, "depth": 9}]
    assert api.asked[0].body["configs"] == expected


@pytest.mark.parametrize("text", ["{", "[1]", '"lr"', None])
def test_a_configuration_that_is_none_is_named_and_nothing_is_sent(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    assert queuecast.main(["start", "3", "--config", str(path)]) == 1
    assert f"--config {path}" in capsys.readouterr().err
    assert api.asked == []


def test_rerun_adopt_and_json_pass_the_answer_on(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer(f"POST /runs/{RUN}/rerun", Answer(STARTED, 202))
    api.answer("POST /experiments/3/adopt", Answer({"run_id": RUN}, 201))
    assert queuecast.main(["rerun", RUN, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == STARTED
    assert list(api.asked[0].body) == ["key"]
    assert queuecast.main(["adopt", "3", "12_3"]) == 0
    assert api.asked[1].body == {"slurm_job_id": "12_3"}
    assert capsys.readouterr().out == f"run {RUN}\n"


# --- patience
def test_a_repeat_of_a_start_carries_the_same_key_and_the_next_start_another(api: Api) -> None:
    busy = [problem(status, "later") for status in (502, 503, 504, 429)]
    api.answer("POST /experiments/3/start", *busy, None, Answer(STARTED, 202))
    assert queuecast.main(["start", "3"]) == 0
    assert len(api.asked) == 6
    assert len({asked.body["key"] for asked in api.asked}) == 1
    assert queuecast.main(["start", "3"]) == 0
    assert len({asked.body["key"] for asked in api.asked}) == 2


def test_pauses_grow_and_retry_after_is_kept(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    clock = SimpleNamespace(sleep=pauses.append, monotonic=time.monotonic)
    monkeypatch.setattr(queuecast, "time", clock)
    api.answer(
        f"GET /runs/{RUN}",
        *(problem(503, "later"), problem(503, "later"), problem(503, "later")),
        *(problem(429, "too many", Retry_After="1"), Answer({"status": "RUNNING"})),
    )
    assert queuecast.main(["status", RUN]) == 0
    assert pauses[0] < pauses[1] < pauses[2] < 1
    assert 1 <= pauses[3] < 5
    assert len(pauses) == 4


def test_a_server_that_asks_for_an_hour_is_not_waited_for(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer(f"GET /runs/{RUN}", problem(429, "Ask less.", Retry_After="3600"))
    assert queuecast.main(["status", RUN]) == 1
    assert "busy (429: Ask less.); given up, try later" in capsys.readouterr().err
    assert len(api.asked) == 1


def test_a_server_that_is_down_is_given_up_in_time(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("TRACKER_API", f"http://token:{SECRET}@{address}")
    monkeypatch.setattr(queuecast, "GIVE_UP_AFTER_S", 1)
    started = time.monotonic()
    assert queuecast.main(["start", "3"]) == 1
    assert time.monotonic() - started < 10
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"queuecast: http://{address} does not answer (")
    assert first.endswith("trying again for 1 s")
    assert last.endswith("given up, try later")
    assert SECRET not in first + last


def test_a_server_that_comes_up_meanwhile_is_reached(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(free_port())
    api.answer(f"GET /runs/{RUN}", Answer({"status": "RUNNING"}))
    monkeypatch.setenv("TRACKER_API", f"http://token:{SECRET}@127.0.0.1:{api.port}")
    servers: list[ThreadingHTTPServer] = []
    Timer(0.3, lambda: servers.append(serve(api))).start()
    try:
        assert queuecast.main(["status", RUN]) == 0
    finally:
        servers[0].shutdown()
        servers[0].server_close()


def test_a_server_that_never_answers_is_given_up(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(queuecast, "ANSWER_WITHIN_S", 0.2)
    monkeypatch.setattr(queuecast, "GIVE_UP_AFTER_S", 1)
    api.hold_s = 1
    assert queuecast.main(["status", RUN]) == 1
    assert "timed out" in capsys.readouterr().err


# --- refusals
def test_a_refused_token_is_told_with_where_it_came_from_and_not_tried_again(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer(f"GET /runs/{RUN}", problem(401, "This token was revoked."))
    assert queuecast.main(["status", RUN]) == 1
    told = capsys.readouterr()
    assert told.err == "queuecast: This token was revoked. (token of TRACKER_API)\n"
    assert told.out == ""
    assert len(api.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 500])
def test_a_refusal_is_told_in_the_servers_words_and_not_tried_again(
    api: Api, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    api.answer("POST /experiments/3/start", problem(status, "batch_script: is empty"))
    assert queuecast.main(["start", "3"]) == 1
    assert capsys.readouterr().err == "queuecast: batch_script: is empty\n"
    assert len(api.asked) == 1


def test_a_token_is_not_carried_to_another_address(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = f"http://127.0.0.1:{api.port}/elsewhere"
    api.answer("POST /experiments/3/start", Answer("", 301, {"Location": elsewhere}))
    assert queuecast.main(["start", "3"]) == 1
    told = f"moved to {elsewhere}: correct TRACKER_API"
    assert told in capsys.readouterr().err
    assert len(api.asked) == 1


def test_another_server_is_recognised_as_such(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.answer(f"GET /runs/{RUN}", Answer("<html>Welcome</html>"))
    assert queuecast.main(["status", RUN]) == 1
    assert "is not Queuecast: correct TRACKER_API" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ([], "COMMAND"),
        (["start"], "EXPERIMENT_ID"),
        (["start", "../3"], "the number of an experiment"),
        (["start", "3", "--seeds", "1,b"], "such as 1,2,3"),
        (["start", "3", "--set", "lr"], "KEY=VALUE"),
        (["start", "3", "--part", "gpu"], "unrecognized arguments"),
        (["status", "12"], "a run id of 32 hex digits"),
        (["status", RUN + "\n"], "a run id of 32 hex digits"),
        (["cancel"], "give the ids of runs, or --mine"),
        (["cancel", RUN, "--mine"], "give the ids of runs, or --mine"),
        (["adopt", "3", "12.0"], "a job id such as 828 or 12_3"),
    ],
)
def test_wrong_usage_ends_with_2_and_the_cure_and_sends_nothing(
    api: Api, capsys: pytest.CaptureFixture[str], words: list[str], cure: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        queuecast.main(words)
    assert ended.value.code == 2
    assert cure in capsys.readouterr().err
    assert api.asked == []


# --- where the service is
def test_address_and_token_come_from_either_pair_or_a_private_file(
    api: Api, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.answer(f"GET /runs/{RUN}", Answer({"status": "RUNNING"}))
    address = f"http://127.0.0.1:{api.port}"
    (home / ".netrc").write_text("machine 127.0.0.1 login alice password of-another-service\n")
    file = home / ".config/queuecast.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"url": f"{address}/", "token": "of-the-file"}))
    file.chmod(0o600)

    monkeypatch.setenv("TRACKER_API", f"http://token:of%2Dthe-address@127.0.0.1:{api.port}/")
    monkeypatch.setenv("QUEUECAST_URL", address)
    monkeypatch.setenv("QUEUECAST_TOKEN", "of-the-pair")
    for name, token in (
        ("TRACKER_API", "of-the-address"),
        ("QUEUECAST_URL", "of-the-pair"),
        ("QUEUECAST_TOKEN", "of-the-file"),  # without an address it counts for nothing
    ):
        assert queuecast.main(["status", RUN]) == 0
        assert api.asked[-1].token == f"Bearer {token}"
        monkeypatch.delenv(name)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_may_read_is_not_used(
    api: Api,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    mode: int,
) -> None:
    monkeypatch.delenv("TRACKER_API")
    file = home / ".config/queuecast.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"url": f"http://127.0.0.1:{api.port}", "token": SECRET}))
    file.chmod(mode)
    assert queuecast.main(["status", RUN]) == 1
    told = capsys.readouterr().err
    assert f"{file} has mode {mode:o}" in told
    assert "chmod 600" in told
    assert api.asked == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": "http://h"}', "\udcff"])
def test_a_file_without_address_and_token_is_named(
    home: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = home / ".config/queuecast.json"
    file.parent.mkdir()
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    file.chmod(0o600)
    assert queuecast.main(["status", RUN]) == 1
    assert f"{file} cannot be used" in capsys.readouterr().err


def test_whoever_has_said_nothing_is_told_what_to_set(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert queuecast.main(["status", RUN]) == 1
    told = capsys.readouterr().err
    assert "TRACKER_API=" in told
    assert "~/.config/queuecast.json" in told


@pytest.mark.parametrize(
    "address",
    [
        f"token:{SECRET}@host",
        f"ftp://token:{SECRET}@host",
        f"http://token:{SECRET}@",
        f"http://token:{SECRET}@host:99999",
        f"http://token:{SECRET}@[::1",
        f"http://token:{SECRET}%0a@host",
        "http://host",
    ],
)
def test_an_address_that_is_none_is_refused_without_showing_its_token(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    monkeypatch.setenv("TRACKER_API", address)
    assert queuecast.main(["status", RUN]) == 1
    told = capsys.readouterr().err
    assert "TRACKER_API" in told
    assert SECRET not in told


# --- looking and cancelling
def test_status_shows_what_is_known_and_leaves_out_what_is_not(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate = {"p50": "2026-11-25T14:20:00Z", "p90": None}
    run = {"run_id": RUN, "status": "PENDING", "reason": "", "seed": 0, "ended_at": None}
    api.answer(f"GET /runs/{RUN}", Answer(run | {"config": {"lr": 1}, "estimate": estimate}))
    assert queuecast.main(["status", RUN.upper()]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"run_id         {RUN}",
        "status         PENDING",
        "seed           0",
        "start by p50   2026-11-25T14:20:00Z",
    ]


def test_status_ends_with_the_last_value_of_each_metric(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = [{"name": "loss", "last_value": "NaN", "last_step": 7, "count": 8}]
    api.answer(f"GET /runs/{RUN}", Answer({"status": "RUNNING", "metrics": metrics}))
    assert queuecast.main(["status", RUN]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "loss           NaN at step 7"


def test_one_run_that_cannot_be_cancelled_does_not_keep_the_next_running(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer(f"POST /runs/{RUN}/cancel", problem(409, "It has ended."))
    api.answer(f"POST /runs/{OTHER}/cancel", Answer({"status": "RUNNING"}, 202))
    assert queuecast.main(["cancel", RUN, OTHER, "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out) == {"run_id": OTHER, "status": "RUNNING"}
    assert told.err == f"queuecast: {RUN}: It has ended.\n"


def test_all_of_mine_are_cancelled_in_one_request(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer("POST /runs/cancel-mine", Answer({"runs": 4}, 202))
    assert queuecast.main(["cancel", "--mine", "--cluster", "lab"]) == 0
    assert [asked.body for asked in api.asked] == [{"cluster": "lab"}]
    assert capsys.readouterr().out == "asked to cancel 4 runs\n"


# --- logs
def piece(text: str, start: int, size: int, *, truncated: bool = False) -> Answer:
    end = start + len(text.encode())
    body = {"text": text, "start": start, "end": end, "size": size, "truncated": truncated}
    return Answer(body)


def test_a_long_log_is_read_in_pieces_to_its_end(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer(f"GET /runs/{RUN}/log?stream=err&start=0", piece("one\n", 0, 8))
    api.answer(f"GET /runs/{RUN}/log?stream=err&start=4", piece("two\n", 4, 8))
    assert queuecast.main(["log", RUN, "--err"]) == 0
    assert capsys.readouterr().out == "one\ntwo\n"
    assert len(api.asked) == 2


def test_a_half_written_character_at_the_end_is_no_reason_to_ask_for_ever(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer(f"GET /runs/{RUN}/log?stream=out&start=0", piece("one\n", 0, 5))
    api.answer(f"GET /runs/{RUN}/log?stream=out&start=4", piece("", 4, 5))
    assert queuecast.main(["log", RUN]) == 0
    assert capsys.readouterr().out == "one\n"


def test_following_waits_for_the_log_and_ends_with_the_last_word_of_an_ended_run(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    states = ["PENDING", "PENDING", "RUNNING", "UNKNOWN", "COMPLETED"]
    api.answer(f"GET /runs/{RUN}", *(Answer({"status": state}) for state in states))
    nothing_yet = problem(404, "The job has not started.")
    at = f"GET /runs/{RUN}/log?stream=out&start="
    api.answer(f"{at}0", nothing_yet, nothing_yet, piece("one\n", 0, 4))
    api.answer(f"{at}4", piece("", 4, 4), piece("two\n", 4, 8))
    assert queuecast.main(["log", RUN, "--follow"]) == 0
    told = capsys.readouterr()
    assert told.out == "one\ntwo\n"
    assert told.err == "queuecast: The job has not started. (waiting)\n"
    assert api.paths.count(f"GET /runs/{RUN}") == len(states)


def test_a_log_that_a_requeue_began_anew_is_shown_from_its_start(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    states = [Answer({"status": state}) for state in ("RUNNING", "RUNNING", "FAILED")]
    api.answer(f"GET /runs/{RUN}", *states)
    at = f"GET /runs/{RUN}/log?stream=out&start="
    api.answer(f"{at}0", piece("first attempt\n", 0, 14))
    api.answer(f"{at}14", piece("second\n", 0, 7, truncated=True))
    api.answer(f"{at}7", piece("", 7, 7))
    assert queuecast.main(["log", RUN, "--follow"]) == 0
    told = capsys.readouterr()
    assert told.out == "first attempt\nsecond\n"
    assert told.err == "queuecast: the log was begun anew\n"


def test_a_log_that_never_came_is_a_failure_once_the_run_has_ended(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer(f"GET /runs/{RUN}", Answer({"status": "CANCELLED"}))
    api.answer(f"GET /runs/{RUN}/log?stream=out&start=0", problem(404, "There is no log."))
    assert queuecast.main(["log", RUN, "--follow"]) == 1
    assert capsys.readouterr().err == "queuecast: There is no log.\n"


# --- as a file of its own
def run_file(*words: str, **environ: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-I", "-S", str(FILE), *words]
    if environ:
        argv.remove("-I")  # which would ignore them
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, env=os.environ | environ, stdout=pipe, stderr=pipe)


def test_it_runs_without_any_installed_package(api: Api) -> None:
    api.answer(f"GET /runs/{RUN}", Answer({"status": "RUNNING"}))
    with run_file("status", RUN, "--json") as process:
        told, problems = process.communicate(timeout=20)
    assert (json.loads(told), problems, process.returncode) == ({"status": "RUNNING"}, b"", 0)


def test_a_reader_that_has_seen_enough_ends_it_without_a_word(api: Api) -> None:
    long_line = "x" * 200_000 + "\n"
    api.answer(f"GET /runs/{RUN}/log?stream=out&start=0", piece(long_line, 0, len(long_line)))
    with run_file("log", RUN) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_text_that_the_terminal_cannot_show_is_escaped(api: Api) -> None:
    text = "loss → 0.1, café\n"
    size = len(text.encode())
    api.answer(f"GET /runs/{RUN}/log?stream=out&start=0", piece(text, 0, size))
    with run_file("log", RUN, PYTHONIOENCODING="latin-1") as process:
        told, problems = process.communicate(timeout=20)
    assert (told, problems) == ("loss \\u2192 0.1, café\n".encode("latin-1"), b"")
