"""Rules for every address: nothing is cached on the way, and no NUL reaches the database."""

import pytest

from tests.factories import make_cluster, make_experiment
from tracker.models import Run

pytestmark = pytest.mark.django_db


def test_pages_and_api_answers_are_kept_by_no_cache(client, people):
    run = Run.objects.create(experiment=make_experiment(people.alice), config_sha256="0" * 64)
    client.force_login(people.alice)
    for path in ("/experiments", f"/runs/{run.pk}", f"/api/v1/runs/{run.pk}", "/nowhere"):
        assert client.get(path)["Cache-Control"] == "private, no-store"


def test_pages_and_api_answers_carry_the_policy_against_foreign_scripts(client):
    for path in ("/signin", "/nowhere", "/api/v1/me"):
        policy = client.get(path)["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "path",
    [
        "/clusters/%00",
        "/plan/%00/queue",
        "/runs/%00",
        "/api/v1/runs/%00",
        "/api/v1/runs/%00/metrics?name=x",
        "/api/v1/runs/%00/artifacts",
        "/api/v1/groups/1/members/%00",
    ],
)
def test_an_address_with_a_nul_is_a_404(client, people, path):
    make_cluster()
    client.force_login(people.alice)
    assert client.get(path).status_code == 404
