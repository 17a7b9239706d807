"""The permission table against every address that the resolver knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.tracker.callers import JSON, by_token, with_secret
from tests.tracker.permission_table import CALLERS, TABLE, Row
from tracker import recording
from tracker.models import Actor, Node, Partition, Poll, ResearchGroup, Token

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ELSEWHERE = ("admin/",)  # the admin has its own gate, tested below


def routes() -> list[str]:
    def walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
        for entry in patterns:
            route = prefix + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry.url_patterns, route)
            else:
                yield route

    return [r for r in walk(get_resolver().url_patterns) if not r.startswith(ELSEWHERE)]


@dataclass
class World:
    """Alice's experiment in the group "vision", with a run; a cluster with one job."""

    clients: dict[str, Client]
    things: dict[str, str] = field(default_factory=dict)

    def answer(self, caller: str, row: Row) -> int:
        fill = re.compile(r"<(?:\w+:)?(\w+)>")
        path = fill.sub(lambda match: self.things[row.args[match[1]]], row.route)
        query = f"?{row.args['query']}" if "query" in row.args else ""
        content = {"data": row.body} if row.form else {"data": row.body, "content_type": JSON}
        client = self.clients[caller]
        # Signing out changes the cookies of a client, and the next row needs them.
        cookies = client.cookies.copy()
        send = getattr(client, row.method.lower())
        answer = send(f"/{path}{query}", **({} if row.method == "GET" else content))
        client.cookies = cookies
        if answer.streaming:
            list(answer)  # only then does the client close it, and free its place
        return int(answer.status_code)


@pytest.fixture
def world(people) -> World:
    experiment = make_experiment(people.alice)
    cluster = make_cluster()
    run, _ = recording.create_run(experiment, actor=Actor(people.alice))
    recording.append_points(run, [recording.NewPoint("acc", 1, 0.9)], now=NOW)
    fields = {"cpus": 8, "cpus_alloc": 0, "mem_mib": 1, "mem_alloc_mib": 0, "state": "IDLE"}
    Poll.objects.create(
        cluster=cluster, command="squeue", started_at=timezone.now(), seconds=0.1, ok=True, raw=b""
    )
    things = {
        "experiment": experiment,
        "run": run,
        "cluster": cluster,
        "partition": Partition.objects.create(cluster=cluster, name="gpu", state="UP"),
        "node": Node.objects.create(cluster=cluster, name="gpu01", **fields),
        "job": make_job(cluster),
        "group": ResearchGroup.objects.get(),
        "bob": people.bob,
        "token": Token.issue(user=people.alice, scope="read")[0],
    }
    _, expired = Token.issue(user=people.alice, scope="user", lifetime=timedelta(seconds=-1))
    clients = {
        "nobody": Client(),
        "run": by_token(people.alice, "run", experiment=experiment),
        "user": by_token(people.alice, "user"),
        "read": by_token(people.alice, "read"),
        "webhook": by_token(people.staff, "webhook"),
        "expired": with_secret(expired),
    }
    sessions = {
        "stranger": people.mallory,
        "reader": people.rita,
        "member": people.bob,
        "owner": people.alice,
        "staff": people.staff,
    }
    for caller, user in sessions.items():
        clients[caller] = Client()
        clients[caller].force_login(user)
    names = {"member": people.bob.username, "cluster_name": cluster.name, "no_question": "0"}
    return World(clients, {name: str(thing.pk) for name, thing in things.items()} | names)


def test_every_address_stands_in_the_table():
    missing = sorted(set(routes()) - {row.route for row in TABLE})
    assert not missing, f"add rows to tests/tracker/permission_table.py for {missing}"


def test_the_table_names_no_address_that_is_gone():
    assert {row.route for row in TABLE} <= set(routes())


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.route}")
def test_each_caller_gets_the_status_of_the_table(world, row):
    answers = {}
    for caller in CALLERS:
        with transaction.atomic():
            answers[caller] = world.answer(caller, row)
            transaction.set_rollback(True)
    assert answers == row.status_by_caller()


@pytest.mark.parametrize("route", sorted({row.route for row in TABLE}))
def test_methods_without_a_row_are_refused_to_everybody(world, route):
    rows = [row for row in TABLE if row.route == route]
    for method in set(METHODS) - {row.method for row in rows}:
        bare = Row(route, method, "", args=rows[0].args)
        for caller in CALLERS:
            with transaction.atomic():
                status = world.answer(caller, bare)
                transaction.set_rollback(True)
            allowed = {405} if caller == "staff" else {401, 403, 404, 405}
            assert status in allowed, f"{caller}: {method} {route} is {status}"


def test_the_admin_sends_everybody_but_staff_to_its_sign_in(world):
    for caller in CALLERS:
        answer = world.clients[caller].get("/admin/tracker/experiment/")
        if caller == "staff":
            assert answer.status_code == 200
        else:
            assert answer.status_code == 302
            assert answer["Location"].startswith("/admin/login/")
