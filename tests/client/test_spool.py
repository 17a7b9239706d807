"""A spool keeps each line until it is acknowledged, whatever happens to its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.client.node import Node
from tests.client.service import Service
from tracker.client import spool as parts
from tracker.client.spool import Spool, spool_folders

HEADER = b'{"run":{}}\n'
SMALL = 100


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SEGMENT_BYTES", SMALL)


def numbered(number: int) -> bytes:
    return json.dumps({"n": number}).encode() + b"\n"


def all_of(spool: Spool) -> list[int]:
    """The numbers in a spool, each acknowledged when read; headers stand before each segment."""
    found: list[int] = []
    while lines := spool.read():
        found += [json.loads(line)["n"] for line in lines if line != HEADER]
        for line in lines:
            spool.acknowledge(len(line))
    return found


@pytest.mark.usefixtures("small_segments")
def test_lines_come_in_their_order_through_many_segments_and_leave_nothing(tmp_path: Path) -> None:
    spool = Spool([tmp_path], "job1", lambda: HEADER)
    for number in range(100):
        assert spool.append(numbered(number))
    assert len(list(tmp_path.glob("*.jsonl"))) > 5
    assert len(list(tmp_path.glob("*.open.jsonl"))) == 1
    assert not spool.is_sent()
    assert all_of(spool) == list(range(100))
    assert spool.is_sent()
    assert spool.close() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_segments")
def test_what_is_not_acknowledged_is_left_sealed_for_others(tmp_path: Path) -> None:
    spool = Spool([tmp_path], "job1", lambda: HEADER)
    for number in range(30):
        spool.append(numbered(number))
    spool.acknowledge(len(HEADER))
    left = spool.close()
    assert sorted(tmp_path.iterdir()) == sorted(left)
    assert not list(tmp_path.glob("*.open.jsonl"))
    lines = [line for path in left for line in path.read_bytes().splitlines(keepends=True)]
    assert [line for line in lines if line != HEADER] == [numbered(n) for n in range(30)]


def test_a_file_that_another_has_sent_and_removed_is_begun_anew(tmp_path: Path) -> None:
    spool = Spool([tmp_path], "job1", lambda: HEADER)
    spool.append(numbered(1))
    next(tmp_path.iterdir()).unlink()
    spool.append(numbered(2))
    assert all_of(spool) == [1, 2]  # the first again, which does no harm
    spool.close()


def test_the_first_folder_that_can_be_written_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool([tmp_path / "file/no", tmp_path / "yes"], "job1", lambda: HEADER)
    spool.append(numbered(1))
    assert [path.name for path in (tmp_path / "yes").iterdir()] == ["job1-1.open.jsonl"]
    assert (tmp_path / "yes").stat().st_mode & 0o777 == 0o700
    spool.close()


def test_memory_holds_so_much_and_no_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parts, "MEMORY_BYTES", 60)
    spool = Spool([], "job1", lambda: HEADER)
    assert [spool.append(numbered(number)) for number in range(10)] == [True] * 5 + [False] * 5
    assert all_of(spool) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err.count("what is logged now is lost") == 1


def test_folders_are_those_named_of_the_home_of_the_run_and_of_the_node(tmp_path: Path) -> None:
    environ = {"QUEUECAST_SPOOL": "/shared/spool", "RUN_FOLDER": "/runs/1"}
    *best, last = spool_folders(environ, tmp_path)
    home = tmp_path / ".queuecast/spool"
    assert best == [Path("/shared/spool"), home, Path("/runs/1/.queuecast")]
    assert last.name.startswith("queuecast-")
    assert spool_folders({}, tmp_path)[0] == home


def test_a_full_disk_costs_no_point_while_the_service_answers(node: Node, service: Service) -> None:
    ended = node.run(
        """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
queuecast.init()
for step in range(200): queuecast.log({"loss": step}, step=step); time.sleep(0.002)
queuecast.finish()
"""
    )
    assert "the spool cannot be written" in ended.stderr
    assert service.values("loss") == list(range(200))
