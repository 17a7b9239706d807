"""My jobs: one's own only, over all clusters, by state."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_cluster, make_job
from tracker.models import ClusterAccount

pytestmark = pytest.mark.django_db


@pytest.fixture
def jobs(people):
    """alice is alice on lab and al on sky; somebody else is al on lab."""
    lab, sky = make_cluster("lab"), make_cluster("sky")
    ClusterAccount.objects.create(user=people.alice, cluster=lab, unix_name="alice")
    ClusterAccount.objects.create(user=people.alice, cluster=sky, unix_name="al")
    now = timezone.now()
    ran = {"start_at": now - timedelta(hours=2), "submit_at": now - timedelta(hours=3)}
    return [
        make_job(lab, 1, user="alice", reason="Priority"),
        make_job(sky, 2, user="al", state="RUNNING", **ran),
        make_job(lab, 3, user="al", name="somebody-elses"),
        make_job(
            lab,
            4,
            user="alice",
            state="FAILED",
            in_queue=False,
            end_at=now - timedelta(hours=1),
            **ran,
        ),
    ]


def shown(client, user, query: str = "") -> list[int]:
    client.force_login(user)
    return [row.job.job_id for row in client.get(f"/jobs{query}").context["rows"]]


@pytest.mark.parametrize(
    ("state", "job_ids"),
    [("open", [2, 1]), ("waiting", [1]), ("running", [2]), ("ended", [4]), ("all", [4, 2, 1])],
)
def test_the_filter_keeps_jobs_of_that_state(client, people, jobs, state, job_ids) -> None:
    assert shown(client, people.alice, f"?state={state}") == job_ids


def test_nonsense_in_the_filter_means_open(client, people, jobs) -> None:
    assert shown(client, people.alice, "?state=%00&page=x") == [2, 1]


def test_even_staff_see_their_own_jobs_only(client, people, jobs) -> None:
    assert shown(client, people.staff, "?state=all") == []


def test_waited_and_ran_are_told(client, people, jobs) -> None:
    client.force_login(people.alice)
    (ended,) = client.get("/jobs?state=ended").context["rows"]
    assert (ended.waited_s, ended.ran_s) == (3600.0, 3600.0)


def test_without_a_cluster_the_page_says_so(client, people) -> None:
    client.force_login(people.mallory)
    html = client.get("/jobs").content.decode()
    assert "No cluster yet" in html and "No cluster account" not in html


def test_without_an_account_the_page_says_who_can_add_one(client, people) -> None:
    make_cluster()
    client.force_login(people.mallory)
    html = client.get("/jobs").content.decode()
    assert "No cluster account" in html and "Ask the staff" in html


def test_the_number_of_queries_does_not_grow_with_the_jobs(
    client, people, jobs, django_assert_max_num_queries
) -> None:
    for job_id in range(100, 140):
        make_job(jobs[0].cluster, job_id, user="alice")
    client.force_login(people.alice)
    with django_assert_max_num_queries(14):
        client.get("/jobs")
