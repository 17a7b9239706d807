"""The hooks for cluster staff, run as Slurm runs them: bare environment, and killed as a group."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl

import pytest

from tests.services import free_port, wait_until

SOURCE = Path(__file__).resolve().parents[1] / "contrib/slurm"
SECRET = "1a2b3c4dOf_this-test"
EPILOGS = {"SLURM_JOB_ID": "828", "SLURM_CLUSTER_NAME": "lab"}
ENVIRONMENTS = {
    "queuecast-epilogctld": EPILOGS,
    "queuecast-epilog": EPILOGS | {"SLURMD_NODENAME": "gpu01", "SLURM_NODELIST": "gpu01"},
    "queuecast-jobcomp": {"JOBID": "828", "JOBSTATE": "CANCELLED", "CLUSTER": "lab"},
}
SAID = {"queuecast-jobcomp": "cancelled"}
every_hook = pytest.mark.parametrize("hook", ENVIRONMENTS)


@dataclass
class Listener:
    """Queuecast's place on loopback."""

    port: int = 0
    status: int = 202
    answer: bytes = b""
    hold_s: float = 0
    posts: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    inspect: Callable[[], None] = lambda: None


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.inspect()
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.tokens.append(self.headers["Authorization"])
            heard.posts.append({"path": self.path, **dict(parse_qsl(body, strict_parsing=True))})
            time.sleep(heard.hold_s)
            self.send_response(heard.status)
            self.end_headers()
            self.wfile.write(heard.answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True  # the hook has given up waiting

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        heard.port = server.server_port
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield heard
        server.shutdown()


@dataclass
class Kit:
    """The scripts as installed: copies that read a configuration and log to a file of the test."""

    folder: Path
    conf: Path
    log: Path

    def configure(self, port: int, **lines: str) -> None:
        values = {"URL": f"http://127.0.0.1:{port}", "TOKEN": SECRET} | lines
        self.conf.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        self.conf.chmod(0o600)

    def run(self, hook: str, **variables: str) -> float:
        """Seconds until it has ended with 0 and its output is closed; then its group is killed."""
        started = time.monotonic()
        process = subprocess.Popen(
            [self.folder / hook],
            env=ENVIRONMENTS[hook] | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with process:
            said, _ = process.communicate(timeout=20)
            seconds = time.monotonic() - started
            with suppress(ProcessLookupError):  # when nobody was left in it
                os.killpg(process.pid, signal.SIGKILL)
        assert (process.returncode, said) == (0, b"")
        return seconds

    def logged(self) -> str:
        wait_until(lambda: self.log.exists() and bool(self.log.read_text()), "a line of the log")
        return self.log.read_text()


@pytest.fixture(params=["/bin/sh", "/bin/bash"])
def kit(tmp_path: Path, request: pytest.FixtureRequest) -> Kit:
    kit = Kit(tmp_path / "bin", tmp_path / "hook.conf", tmp_path / "log")
    kit.folder.mkdir()
    logger = tmp_path / "logger"
    logger.write_text(f"#!/bin/sh\nline=$(/bin/cat)\nprintf '%s\\n' \"$line\" >>{kit.log}\n")
    logger.chmod(0o755)
    replaced = {
        "#!/bin/sh\n": f"#!{request.param}\n",
        "/etc/slurm/queuecast-hook.conf": str(kit.conf),
        "/usr/bin/logger": str(logger),
    }
    for script in SOURCE.glob("queuecast-*"):
        text = script.read_text()
        for there, here in replaced.items():
            assert script.name != "queuecast-post" or text.count(there) == 1
            text = text.replace(there, here)
        (kit.folder / script.name).write_text(text)
        (kit.folder / script.name).chmod(0o755)
    return kit


@every_hook
def test_a_hook_tells_of_its_job_even_when_its_process_group_is_killed(
    kit: Kit, listener: Listener, hook: str
) -> None:
    kit.configure(listener.port)
    for _ in range(5):  # a race: once proves little
        kit.run(hook)
    wait_until(lambda: len(listener.posts) == 5, "the posts")
    told = {"path": "/webhooks/slurm", "job_id": "828", "cluster": "lab"}
    assert listener.posts == [told | {"status": SAID.get(hook, "ended")}] * 5
    assert set(listener.tokens) == {f"Bearer {SECRET}"}
    assert not kit.log.exists()


@pytest.mark.parametrize(
    ("node_list", "node", "is_first"),
    [
        ("gpu01", "gpu01", True),
        ("gpu[03-05,07],cpu1", "gpu03", True),
        ("gpu[03-05,07],cpu1", "gpu04", False),
        ("gpu[07,09]", "gpu07", True),
        ("rack[2-3]node[04-09]-ib", "rack2node04-ib", True),
        ("rack[2-3]node[04-09]-ib", "rack3node04-ib", False),
        ("cpu1,gpu[03-05]", "cpu1", True),
        ("cpu1,gpu[03-05]", "gpu03", False),
        ("", "gpu05", True),
    ],
)
def test_of_several_nodes_the_first_tells(
    kit: Kit, listener: Listener, node_list: str, node: str, is_first: bool
) -> None:
    kit.configure(listener.port)
    kit.run("queuecast-epilog", SLURM_NODELIST=node_list, SLURMD_NODENAME=node)
    if not is_first:
        kit.run("queuecast-epilog", SLURM_JOB_ID="829")  # from a first node, to have an end
    wait_until(lambda: bool(listener.posts), "the post")
    assert [post["job_id"] for post in listener.posts] == ["828" if is_first else "829"]


@every_hook
def test_a_server_that_is_down_costs_no_time_and_one_line_of_the_log(kit: Kit, hook: str) -> None:
    kit.configure(port := free_port())
    assert kit.run(hook) < 2
    line = kit.logged()
    assert line.startswith(f"http://127.0.0.1:{port} was not told of job 828: ")
    assert "onnect" in line
    assert SECRET not in line


@every_hook
def test_a_server_that_hangs_holds_no_job_and_is_given_up_after_two_seconds(
    kit: Kit, listener: Listener, hook: str
) -> None:
    kit.configure(listener.port)
    listener.hold_s = 8
    started = time.monotonic()
    assert kit.run(hook) < 2
    assert "timed out" in kit.logged()
    assert 1.5 < time.monotonic() - started < 6


def test_a_refusal_is_logged_with_the_servers_own_words(kit: Kit, listener: Listener) -> None:
    kit.configure(listener.port)
    listener.status, listener.answer = 400, b'{"detail": "cluster: lab is not known here"}\n'
    kit.run("queuecast-epilogctld")
    assert "lab is not known here" in (line := kit.logged())
    assert line.endswith("HTTP 400\n")


def test_no_process_shows_the_secret_while_it_is_sent(kit: Kit, listener: Listener) -> None:
    kit.configure(listener.port)
    seen: list[bytes] = []

    def look() -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                seen.append((process / "cmdline").read_bytes())
                if b"curl" in seen[-1]:
                    seen.append((process / "environ").read_bytes())
            except OSError:
                continue  # ended meanwhile, or somebody else's

    listener.inspect = look
    kit.run("queuecast-epilogctld")
    wait_until(lambda: bool(listener.posts), "the post")
    assert any(shown.startswith(b"/usr/bin/curl\0") for shown in seen)
    assert any(str(kit.folder / "queuecast-post").encode() in shown for shown in seen)
    assert not [shown for shown in seen if SECRET.encode() in shown]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o700])
def test_a_configuration_that_others_may_read_is_not_used(
    kit: Kit, listener: Listener, mode: int
) -> None:
    kit.configure(listener.port)
    kit.conf.chmod(mode)
    kit.run("queuecast-epilogctld")
    assert f'{kit.conf} is "{mode:o} {os.getuid()} regular file"' in kit.logged()
    assert f"mode 600 and owner {os.getuid()}" in kit.logged()
    assert listener.posts == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_configuration_of_another_user_is_not_used(kit: Kit, listener: Listener) -> None:
    kit.configure(listener.port)
    os.chown(kit.conf, 65534, 65534)
    kit.run("queuecast-epilogctld")
    assert '"600 65534 regular file"' in kit.logged()
    assert listener.posts == []


def test_a_link_in_the_place_of_the_configuration_is_not_followed(
    kit: Kit, listener: Listener, tmp_path: Path
) -> None:
    kit.configure(listener.port)
    kit.conf.symlink_to(kit.conf.rename(tmp_path / "elsewhere"))
    kit.run("queuecast-epilogctld")
    assert "symbolic link" in kit.logged()
    assert listener.posts == []


def test_a_missing_configuration_is_named(kit: Kit) -> None:
    kit.run("queuecast-epilogctld")
    assert f'{kit.conf} is "no file"' in kit.logged()


@pytest.mark.parametrize(
    "lines",
    [
        {"TOKEN": ""},
        {"TOKEN": "$(touch MARKER)"},
        {"TOKEN": f'{SECRET}"'},
        {"TOKEN": f"{SECRET}\r"},
        {"URL": "`touch MARKER`"},
        {"URL": 'http://127.0.0.1"'},
        {"URL": f"http://token:{SECRET}@127.0.0.1"},
        {"URL": "file:///etc/passwd"},
        {"URL": ""},
    ],
)
def test_what_stands_in_the_configuration_is_neither_run_nor_shown(
    kit: Kit, listener: Listener, tmp_path: Path, lines: dict[str, str]
) -> None:
    marker = tmp_path / "marker"
    lines = {name: value.replace("MARKER", str(marker)) for name, value in lines.items()}
    kit.configure(listener.port, **lines)
    kit.run("queuecast-epilogctld")
    assert next(iter(lines)) in (line := kit.logged())
    assert SECRET not in line
    assert not marker.exists()
    assert listener.posts == []


HOSTILE = [
    "$(touch MARKER)",
    "`touch MARKER`",
    "1;touch MARKER",
    "1 & touch MARKER",
    "1\ntouch MARKER",
    "1'\"; touch MARKER; '",
    '1"\noutput = "MARKER',
    "1&status=completed",
    "@/etc/passwd",
    "--output MARKER",
    "%0a1",
    "８２８",
    "",
    "detached",
    "*",
    "9" * 9 + "x" * 5_000,
]
VARIABLE_OF = {
    "queuecast-epilogctld": ["SLURM_JOB_ID"],
    "queuecast-epilog": ["SLURM_JOB_ID"],
    "queuecast-jobcomp": ["JOBID", "JOBSTATE"],
}


@pytest.mark.parametrize(
    ("hook", "name"), [(hook, name) for hook, names in VARIABLE_OF.items() for name in names]
)
def test_a_hostile_job_id_or_state_is_neither_run_nor_posted(
    kit: Kit, listener: Listener, tmp_path: Path, hook: str, name: str
) -> None:
    kit.configure(listener.port)
    marker = tmp_path / "marker"
    corpus = [text for text in HOSTILE if (name, text) != ("JOBSTATE", "detached")]  # a word
    for text in corpus:
        kit.run(hook, **{name: text.replace("MARKER", str(marker))})
    wait_until(lambda: kit.log.exists() and len(_lines(kit)) >= len(corpus), "the log")
    assert all(line.endswith("posted") or len(line) == 500 for line in _lines(kit))
    assert len(_lines(kit)) == len(corpus)  # one each: nobody writes lines of his own
    assert not marker.exists()
    assert listener.posts == []


@every_hook
def test_a_hostile_job_name_changes_nothing(
    kit: Kit, listener: Listener, tmp_path: Path, hook: str
) -> None:
    kit.configure(listener.port)
    marker = tmp_path / "marker"
    names = [text.replace("MARKER", str(marker)) for text in HOSTILE]
    for text in names:
        kit.run(hook, SLURM_JOB_NAME=text, JOBNAME=text, SLURM_JOB_USER=text, WORK_DIR=text)
    wait_until(lambda: len(listener.posts) == len(names), "the posts")
    assert {post["job_id"] for post in listener.posts} == {"828"}
    assert not marker.exists()


def test_a_link_to_a_hook_runs_it(kit: Kit, listener: Listener) -> None:
    kit.configure(listener.port)
    kit.folder.with_name("epilog.d").mkdir()
    linked = kit.folder.with_name("epilog.d") / "50-queuecast"
    linked.symlink_to(kit.folder / "queuecast-epilogctld")
    subprocess.run([linked], env=EPILOGS, check=True, timeout=20)
    wait_until(lambda: bool(listener.posts), "the post")


@every_hook
def test_the_install_line_of_the_readme_installs_all_that_a_hook_needs(
    tmp_path: Path, hook: str
) -> None:
    lines = re.findall(r"^ *(install -D .*)$", (SOURCE / "README.md").read_text(), re.MULTILINE)
    [line] = [line for line in lines if line.endswith(hook)]
    argv = [word.replace("/etc/slurm", str(tmp_path)) for word in line.split()]
    subprocess.run(argv, cwd=SOURCE, check=True)
    installed = list((tmp_path / "queuecast").iterdir())
    assert {path.name for path in installed} == {"queuecast-post", hook}
    assert all(os.access(path, os.X_OK) for path in installed)


def _lines(kit: Kit) -> list[str]:
    return kit.log.read_text().splitlines()
