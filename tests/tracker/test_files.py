"""The files of a run over the API and on their page: which are shown, to whom, and how."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from tests import services
from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.tracker.callers import by_session, by_token
from tests.tracker.log_path_corpus import ATTEMPTS, FOLDER_ATTEMPTS, OWNER_UID, SECRET, plant
from tracker.api import downloads
from tracker.models import Actor, Cluster, ClusterAccount, Job, Run
from tracker.recording import add_artifact

pytestmark = pytest.mark.django_db
ME = pwd.getpwuid(os.geteuid()).pw_name  # whose files the test can make
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "work/experiments/exp-001"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text("lr: <0.1>\n")
    (folder / "checkpoints/last.pt").write_bytes(bytes(range(256)) * 4)
    return folder


@pytest.fixture
def cluster(people, tmp_path: Path) -> Cluster:
    cluster = make_cluster(log_roots=[str(tmp_path)])
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name=ME)
    return cluster


@pytest.fixture
def run(people, cluster, tmp_path, folder) -> Run:
    job = make_job(
        cluster, 828, user=ME, state="RUNNING", start_at=NOW, work_dir=str(tmp_path / "work")
    )
    return Run.objects.create(
        experiment=make_experiment(people.alice),
        cluster=cluster,
        job=job,
        slurm_job_id=828,
        status="RUNNING",
        config_sha256="",
        created_by=people.alice,
        folder=str(folder),
    )


def get(user, run: Run, path: object = "", what: str = "files", **options: object):
    query = f"?path={quote(str(path))}" if path else ""
    return by_session(user).get(f"/api/v1/runs/{run.pk}/{what}{query}", **options)


def content(user, run: Run, path: object, **headers: str):
    return get(user, run, path, "files/content", headers=headers)


def body(answer) -> bytes:
    """All of it. Only then does the test client close the answer, as a server always does."""
    return b"".join(answer)


def page(user, run: Run, path: object = ""):
    query = f"?path={quote(str(path))}" if path else ""
    return by_session(user).get(f"/runs/{run.pk}/files{query}")


# --- which
def test_a_run_names_its_places_and_each_is_looked_into(people, run, folder):
    add_artifact(run, actor=Actor(people.alice), kind="checkpoint", path="checkpoints/last.pt")
    places = get(people.alice, run).json()["places"]
    assert [(place["kind"], place["path"]) for place in places] == [
        ("folder", str(folder)),
        ("checkpoint", f"{folder}/checkpoints/last.pt"),
    ]
    listing = get(people.alice, run, folder).json()
    assert [(one["name"], one["kind"], one["size"]) for one in listing["entries"]] == [
        ("checkpoints", "folder", None),
        ("config.yaml", "file", 10),
    ]
    assert listing["entries"][0]["path"] == f"{folder}/checkpoints"


def test_what_lies_beside_the_runs_places_is_refused(people, run, folder):
    (folder.parent / "other.txt").write_text("another run's")
    for path in (folder.parent / "other.txt", folder.parent, "/etc/passwd", f"{folder}x", "x"):
        for what in ("files", "files/content"):
            answer = get(people.alice, run, path, what)
            assert (answer.status_code, "neither in" in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize("way", ["/..", "/../other.txt", "/checkpoints/../../other.txt", "/./x"])
def test_no_dots_lead_out_of_a_place(people, run, folder, way):
    (folder.parent / "other.txt").write_text("secret")
    for what in ("files", "files/content"):
        answer = get(people.alice, run, f"{folder}{way}", what)
        assert answer.status_code in (403, 404)
        assert b"secret" not in answer.content


def test_no_link_leads_out_of_a_place(people, run, folder, tmp_path):
    (tmp_path / "work/secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "work/secret.txt")
    (folder / "up").symlink_to("..")
    for path in ("link.txt", "up", "up/secret.txt"):
        for what in ("files", "files/content"):
            answer = get(people.alice, run, folder / path, what)
            assert (answer.status_code, "symbolic link" in answer.json()["detail"]) == (403, True)


def test_a_place_outside_the_named_folders_says_how_it_could_be_shown(people, run):
    add_artifact(run, actor=Actor(people.alice), kind="artifact", path="/etc/hostname")
    answer = content(people.alice, run, "/etc/hostname")
    assert (answer.status_code, "ask staff" in answer.json()["detail"]) == (403, True)


def test_the_services_own_files_are_not_shown(people, run, folder, settings):
    settings.DATA_DIR = folder
    assert get(people.alice, run, folder).status_code == 403
    assert content(people.alice, run, folder / "config.yaml").status_code == 403


@pytest.fixture
def planted(run, monkeypatch) -> Iterator[Path]:
    """The corpus' tree as the run's folder, with everything around it told of as well."""
    with services.folder("queuecast-files-") as base:
        base.chmod(0o755)
        root = plant(base)
        monkeypatch.setattr(pwd, "getpwnam", lambda _: SimpleNamespace(pw_uid=OWNER_UID))
        Run.objects.update(folder=str(root))
        for path in ("/", "/etc", "/proc", str(base), str(root)):
            add_artifact(run, actor=Actor(run.created_by), kind="artifact", path=path)
        Cluster.objects.update(log_roots=[str(root)])
        yield root


def test_no_attempt_of_the_corpus_lists_or_downloads_anything(people, run, planted):
    client = by_session(people.alice)
    for what, attempts in (("files/content", ATTEMPTS), ("files", FOLDER_ATTEMPTS)):
        for attempt in attempts:
            if attempt.needs_root and os.geteuid() != 0:
                continue
            path = attempt.path.replace("{root}", str(planted)).encode("utf-8", "surrogatepass")
            answer = client.get(f"/api/v1/runs/{run.pk}/{what}?path={quote(path)}")
            refused = answer.status_code in (400, 403, 404)
            assert refused or (what, path) == ("files", b""), attempt.path
            assert SECRET not in answer.content


# --- to whom
def test_whoever_sees_the_run_sees_its_folder_and_nobody_else(people, run, folder):
    assert get(people.rita, run, folder).status_code == 200
    assert get(people.mallory, run, folder).status_code == 404
    url = f"/api/v1/runs/{run.pk}/files/content?path={folder}/config.yaml"
    assert body(by_token(people.alice, "read").get(url)) == b"lr: <0.1>\n"
    assert by_token(people.alice, "run", run=run).get(url).status_code == 403


def test_a_path_told_by_another_member_opens_nothing_of_the_jobs_user(people, run, tmp_path):
    """A member may log to the run; that makes no file of alice's theirs to read."""
    (tmp_path / "work/diary.txt").write_text("secret")
    path = tmp_path / "work/diary.txt"
    add_artifact(run, actor=Actor(people.bob), kind="artifact", path=str(path))
    for who in (people.bob, people.rita, people.staff):
        answer = content(who, run, path)
        assert (answer.status_code, b"secret" in answer.content) == (403, False)
    assert body(content(people.alice, run, path)) == b"secret"  # her own


def test_a_run_that_names_another_users_job_shows_nothing(people, run, folder):
    theirs = make_experiment(people.mallory, shared=False)
    Run.objects.update(experiment=theirs, created_by=people.mallory)
    assert get(people.mallory, run, folder).status_code == 403


def test_where_jobs_are_private_only_their_user_sees_files(people, run, folder):
    Cluster.objects.update(private_data=["jobs"])
    assert get(people.alice, run, folder).status_code == 200
    assert get(people.bob, run, folder).status_code == 403


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_or_file_of_another_user_is_not_shown(people, run, folder):
    for path in (folder / "checkpoints", folder / "config.yaml"):
        os.chown(path, 65534, 65534)
    assert "belongs to uid" in get(people.alice, run, folder / "checkpoints").json()["detail"]
    assert "belongs to uid" in content(people.alice, run, folder / "config.yaml").json()["detail"]


def test_before_the_job_starts_there_are_none(people, run, folder):
    Job.objects.update(start_at=None)
    assert get(people.alice, run, folder).status_code == 404


# --- downloads
def test_a_download_is_always_to_be_saved(people, run, folder):
    (folder / 'evil "name".html').write_text("<script>alert(1)</script>")
    answer = content(people.alice, run, folder / 'evil "name".html')
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="evil \\"name\\".html"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert body(answer) == b"<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ("bytes=0-3", 206, range(0, 4)),
        ("bytes=1000-", 206, range(1000, 1024)),
        ("bytes=-24", 206, range(1000, 1024)),
        ("bytes=5-99999999999", 206, range(5, 1024)),
        ("bytes=-5000", 206, range(0, 1024)),
        ("bytes=0-1,5-6", 200, range(0, 1024)),
        ("bytes=9-3", 200, range(0, 1024)),
        ("bytes=-", 200, range(0, 1024)),
        ("lines=1-2", 200, range(0, 1024)),
        ("bytes=x", 200, range(0, 1024)),
    ],
)
def test_one_range_of_it_is_sent_and_nonsense_gets_the_whole(people, run, asked, status, span):
    path = Path(run.folder) / "checkpoints/last.pt"
    answer = content(people.alice, run, path, range=asked)
    assert (answer.status_code, body(answer)) == (status, path.read_bytes()[span.start : span.stop])
    assert int(answer["Content-Length"]) == len(span)
    if status == 206:
        assert answer["Content-Range"] == f"bytes {span.start}-{span.stop - 1}/1024"


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_beyond_the_end_is_a_416(people, run, folder, asked):
    answer = content(people.alice, run, folder / "checkpoints/last.pt", range=asked)
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */1024")


def test_a_range_of_a_file_that_has_changed_since_gets_the_whole(people, run, folder):
    path = folder / "checkpoints/last.pt"
    first = content(people.alice, run, path)
    etag = first["ETag"]
    assert body(first) == path.read_bytes()
    same = content(people.alice, run, path, range="bytes=1-2", if_range=etag)
    assert (same.status_code, body(same)) == (206, b"\x01\x02")
    path.write_bytes(b"begun anew")
    anew = content(people.alice, run, path, range="bytes=1-2", if_range=etag)
    assert (anew.status_code, body(anew)) == (200, b"begun anew")


def test_downloads_leave_threads_for_everybody_else(people, run, folder):
    path = folder / "config.yaml"
    held = [content(people.alice, run, path) for _ in range(downloads.AT_ONCE)]
    refused = content(people.alice, run, path)
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert [body(answer) for answer in held] == [path.read_bytes()] * downloads.AT_ONCE
    assert body(content(people.alice, run, path)) == path.read_bytes()


def test_an_answer_without_bytes_leaves_nothing_open(people, run, folder):
    before = len(list(Path("/proc/self/fd").iterdir()))
    url = f"/api/v1/runs/{run.pk}/files/content?path={folder}/config.yaml"
    for _ in range(2 * downloads.AT_ONCE):
        assert content(people.alice, run, folder / "config.yaml", range="bytes=99-").content == b""
        assert by_session(people.alice).head(url)["Content-Length"] == "10"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(("name", "says"), [("config.yaml", "no folder"), ("absent", "not there")])
def test_what_cannot_be_listed_says_why(people, run, folder, name, says):
    assert says in get(people.alice, run, folder / name).json()["detail"]


def test_a_download_without_a_path_names_the_field(people, run):
    assert get(people.alice, run, "", "files/content").json()["errors"][0]["field"] == "path"


# --- the page
def test_the_page_leads_from_the_run_into_its_folders(people, run, folder):
    assert f"?path={folder}" in by_session(people.alice).get(f"/runs/{run.pk}").text
    assert f"?path={folder}/checkpoints" in page(people.alice, run, folder).text
    assert "last.pt" in page(people.alice, run, folder / "checkpoints").text


def test_a_text_is_shown_as_text_and_its_beginning_only(people, run, folder):
    assert "lr: &lt;0.1&gt;" in page(people.alice, run, folder / "config.yaml").text
    (folder / "long.log").write_text("word\n" * 20_000)
    text = page(people.alice, run, folder / "long.log").text
    assert "This is its beginning" in text
    assert len(text) < 100_000


def test_only_pictures_that_hold_no_script_are_drawn(people, run, folder):
    (folder / "plot.png").write_bytes(PNG)
    (folder / "plot.svg").write_text("<svg onload=alert(1)></svg>")
    assert f'<img class="file-picture" src="/api/v1/runs/{run.pk}/files/content?path=' in (
        page(people.alice, run, folder / "plot.png").text
    )
    svg = page(people.alice, run, folder / "plot.svg").text
    assert "<img" not in svg
    assert "&lt;svg onload" in svg


def test_bytes_that_are_no_text_are_offered_as_a_download(people, run, folder):
    assert "No text" in page(people.alice, run, folder / "checkpoints/last.pt").text


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("{folder}/absent", 404, "is not there"),
        ("/etc/passwd", 403, "neither in"),
        ("{folder}/..", 403, "not a plain absolute path"),
    ],
)
def test_the_page_says_why_something_is_not_shown(people, run, path, status, says):
    answer = page(people.alice, run, path.format(folder=run.folder))
    assert (answer.status_code, says in answer.text) == (status, True)


def test_an_empty_folder_and_an_empty_file_say_so(people, run, folder):
    (folder / "empty").mkdir()
    (folder / "nothing.txt").touch()
    assert "The folder is empty" in page(people.alice, run, folder / "empty").text
    assert "The file is empty" in page(people.alice, run, folder / "nothing.txt").text


def test_the_page_names_a_tensorboard_line_where_one_was_told(people, run, folder):
    assert "tensorboard --logdir" not in page(people.alice, run).text
    add_artifact(run, actor=Actor(people.alice), kind="tensorboard", path=f"{folder}/tb logs")
    assert f"tensorboard --logdir &#x27;{folder}/tb logs&#x27;" in page(people.alice, run).text
