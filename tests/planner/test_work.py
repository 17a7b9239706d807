"""Claimed rows, whatever they ask for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from planner.models import Forecast
from tests.factories import make_cluster
from tracker import work

State = Forecast.State


@pytest.mark.django_db
def test_a_worker_that_was_taken_for_lost_does_not_overwrite_the_next_one() -> None:
    now = timezone.now()
    pk = Forecast.objects.create(cluster=make_cluster(), requested_at=now).pk
    slow = work.claim(Forecast, pk)
    work.recover(Forecast.objects.all(), claimed_before=now + timedelta(hours=1), now=now)
    second = work.claim(Forecast, pk)
    work.close(slow, state=State.FAILED)
    assert Forecast.objects.get().state == State.RUNNING
    work.close(second, state=State.DONE)
    assert Forecast.objects.get().state == State.DONE


@pytest.mark.django_db
def test_a_broker_that_is_down_does_not_fail_the_one_who_asks(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks,
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(current_app, "send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True):
        work.ring("planner.tasks.compute_forecast", [1])
    assert "no broker" in caplog.text
