"""Whatever is sent, the API answers with no server error: tried from its own schema and beyond."""

from __future__ import annotations

import json

import pytest
import requests
import schemathesis
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.factories import NOW, make_cluster, make_experiment, make_job, make_people
from tests.tracker.callers import JSON, by_token
from tracker import recording
from tracker.api.throttling import REQUESTS_PER_WINDOW
from tracker.models import Actor, ResearchGroup, Token

pytestmark = pytest.mark.django_db

schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
bounded = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a failure is told as found: shrinking takes minutes
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def things(monkeypatch) -> dict[str, object]:
    """Ids that exist, by the name of the path parameter and the noun that the path starts with."""
    for kind in REQUESTS_PER_WINDOW:
        monkeypatch.setitem(REQUESTS_PER_WINDOW, kind, 1_000_000)
    people = make_people()
    experiment = make_experiment(people.staff)
    run, _ = recording.create_run(experiment, actor=Actor(people.staff))
    recording.append_points(run, [recording.NewPoint("loss", 1, 0.5)], now=NOW)
    cluster = make_cluster()
    token, secret = Token.issue(user=people.staff, scope="user")
    return {
        "secret": secret,
        "experiments": experiment.pk,
        "runs": run.pk,
        "clusters": cluster.pk,
        "jobs": make_job(cluster).pk,
        "groups": ResearchGroup.objects.get().pk,
        "tokens": token.pk,
    }


@schema.parametrize()
@bounded
def test_nothing_that_the_schema_allows_or_forbids_is_a_server_error(case, things):
    noun = case.path.split("/")[3]
    for name, value in case.path_parameters.items():
        # About every second case reaches something that exists.
        if noun in things and name != "username" and len(str(value)) % 2:
            case.path_parameters[name] = things[noun]
    with transaction.atomic():
        answer = sent(case, str(things["secret"]))
        transaction.set_rollback(True)
    assert answer.status_code < 500


def sent(case: schemathesis.Case, secret: str) -> HttpResponse:
    """A case as it would go over the wire, through Django's client: it keeps the transaction."""
    wire = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = {name: value for name, value in wire.headers.items() if name != "Content-Length"}
    headers["Authorization"] = f"Bearer {secret}"
    content_type = headers.pop("Content-Type", JSON)
    client = Client(headers=headers, raise_request_exception=False)
    answer = client.generic(wire.method, wire.path_url, wire.body or b"", content_type)
    if answer.streaming:
        list(answer)  # only then does the client close it, and free its place
    return answer


ROOT_CONTRACTS = ["experiments/{experiments}/runs", "runs/{runs}/metrics", "webhooks/slurm"]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["NaN", "828", "12_3", "9" * 25, "\x00", "\ud800", "1" * 300]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ["name", "value", "step", "time", "attempt", "slurm_job_id", "seed", "config", "key"]
fields = st.sampled_from([*FIELDS, "cluster", "job_id", "status"])
likely = st.dictionaries(fields, json_values, max_size=6)
bodies = st.one_of(likely, st.lists(likely, max_size=3), json_values).map(json.dumps) | st.binary()


@pytest.mark.parametrize("path", ROOT_CONTRACTS)
def test_nothing_sent_to_the_root_contracts_is_a_server_error(path, things):
    staff = by_token(Token.objects.get().user)

    @settings(bounded, max_examples=120)
    @given(bodies, st.sampled_from([JSON, "application/x-www-form-urlencoded"]))
    def send(body: str | bytes, content_type: str) -> None:
        with transaction.atomic():
            answer = staff.post(f"/{path.format(**things)}", body, content_type)
            transaction.set_rollback(True)
        assert answer.status_code in {200, 201, 202, 400, 413, 415}
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"

    send()
