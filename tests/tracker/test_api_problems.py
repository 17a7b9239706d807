"""Refusals outside of any view: unknown addresses, and defects of ours."""

import pytest
from django.http import Http404
from django.test import RequestFactory

from tracker.api.exports import ExportQuery
from tracker.api.problems import not_found, problem_of, server_error


def test_an_unknown_address_of_the_api_is_a_problem():
    answer = not_found(RequestFactory().get("/api/v1/nonsense"), Http404())
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert b"/api/v1/nonsense" in answer.content


def test_a_choice_that_is_none_is_told_with_those_that_there_are():
    asked = ExportQuery(data={"format": "xml"})
    assert not asked.is_valid()
    assert asked.errors["format"] == ["“xml” will not do: give one of csv, json, parquet."]


@pytest.mark.django_db
def test_an_unknown_page_stays_a_page():
    answer = not_found(RequestFactory().get("/nonsense"), Http404())
    assert answer["Content-Type"].startswith("text/html")


def test_a_defect_below_api_is_a_problem_without_its_inside():
    answer = server_error(RequestFactory().get("/api/v1/runs"))
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")


def test_a_defect_is_left_to_django_which_logs_it():
    assert problem_of(KeyError("x"), None) is None
