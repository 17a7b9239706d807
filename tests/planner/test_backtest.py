"""Targets, the round of questions, and the report over what was answered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.accuracy import STRATA
from planner.backtest.asking import Round
from planner.backtest.known import Known
from planner.backtest.methods import METHODS, NAMES, SHIPPED, UnknownMethodError, chosen
from planner.backtest.report import (
    FIGURES,
    REFERENCES,
    SKILLS,
    WITH_INTERVAL,
    Report,
    Said,
    as_json,
    make_report,
)
from planner.backtest.tables import tables
from planner.backtest.targets import NoTargetsError, pick_targets
from planner.quantiles import Quantiles
from planner.traces.jobs import Asked, Trace
from tests.planner.trace_world import DAY_S, HOUR_S, job, random_trace, trace

TWO = ["zero", "recent_like"]


def days_of_jobs(days: int, *, each_day: int = 4, wait_s: float = 600.0) -> Trace:
    jobs = (
        job(f"{day}-{number}", day * DAY_S + number * HOUR_S, wait_s=wait_s, run_s=60.0)
        for day in range(days)
        for number in range(each_day)
    )
    return trace(*jobs)


def report_of(of: Trace, said: dict[str, list[Quantiles | None]], seed: int = 0) -> Report:
    """On every job of the trace, none of which met a queue."""
    n = len(of.jobs)
    return make_report(of, range(n), Said(said, {}, [False] * n), seed)


def test_the_first_two_fifths_of_the_jobs_are_not_forecast() -> None:
    assert pick_targets(days_of_jobs(5), at_most=100) == list(range(8, 20))


def test_as_many_days_as_asked_for_are_not_forecast() -> None:
    assert pick_targets(days_of_jobs(5), at_most=100, train_days=3) == list(range(12, 20))


def test_targets_are_spaced_evenly_from_the_first_to_the_last() -> None:
    assert pick_targets(days_of_jobs(25), at_most=7) == [40, 50, 60, 70, 79, 89, 99]


def test_a_job_whose_outcome_is_not_known_is_no_target() -> None:
    of = trace(
        job(1, 0.0, wait_s=0.0, run_s=60.0),
        job(2, 60.0),
        job(3, 120.0, cancelled_wait_s=60.0),
        job(4, 180.0, run_s=60.0),
        job(5, 240.0, wait_s=60.0),
    )
    assert pick_targets(of, at_most=100, train_days=0.0001) == [2, 4]


def test_training_that_leaves_nothing_to_forecast_is_refused_with_the_span() -> None:
    with pytest.raises(NoTargetsError, match=r"spans 4\.1 days.*training on 5 days"):
        pick_targets(days_of_jobs(5), at_most=100, train_days=5)


def test_a_log_without_waits_is_refused() -> None:
    with pytest.raises(NoTargetsError, match="does not tell how long jobs waited"):
        pick_targets(trace(job(1, 0.0, run_s=60.0)), at_most=100)


class Witness:
    """Says how many jobs wait in the target's partition, and of whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def forecast(self, target: Asked, known: Known) -> Quantiles:
        self.asked.append(target.job_id)
        return Quantiles.point(sum(one.partition == target.partition for one in known.pending))


def test_every_method_is_asked_of_every_target_in_order() -> None:
    witnesses = [Witness(), Witness()]
    answers = Round(
        random_trace(np.random.default_rng(3), 60), dict(zip("ab", witnesses, strict=True))
    ).ask([20, 30, 59])
    assert [witness.asked for witness in witnesses] == [
        [
            each.asked.job_id
            for each in (
                random_trace(np.random.default_rng(3), 60).jobs[place] for place in (20, 30, 59)
            )
        ]
    ] * 2
    assert all(answer.said["a"] == answer.said["b"] for answer in answers)


def test_a_queue_is_expected_where_an_earlier_job_waits_in_the_same_partition() -> None:
    of = random_trace(np.random.default_rng(4), 80)
    for answer in Round(of, {"a": Witness()}).ask(range(80)):
        said = answer.said["a"]
        assert said is not None
        assert answer.expects_queue == (said.p50_s > 0)


def test_a_round_that_goes_back_answers_as_a_new_one() -> None:
    of = random_trace(np.random.default_rng(5), 80)
    again = Round(of, METHODS, learns=True)
    again.ask([70, 79])
    assert again.ask([30, 75]) == Round(of, METHODS, learns=True).ask([30, 75])


def test_a_report_has_every_figure_of_every_stratum() -> None:
    of = days_of_jobs(8)
    told = report_of(of, {name: [Quantiles.point(60.0)] * len(of.jobs) for name in TWO})
    methods = as_json(told.methods)
    assert set(methods) == set(TWO)
    for by_stratum in methods.values():
        assert tuple(by_stratum) == STRATA
        for figures in by_stratum.values():
            assert set(figures) == {*FIGURES, "interval"}
            assert set(figures["interval"]) >= set(WITH_INTERVAL)
    skills = {f"{skill}_{other}" for skill in SKILLS for other in REFERENCES}
    of_zero = skills & set(methods["zero"]["all"]["interval"])
    assert of_zero == {"skill_recent_like", "skill_log_recent_like"}
    assert skills & set(methods["recent_like"]["all"]["interval"]) == {
        "skill_zero",
        "skill_log_zero",
    }


def test_layers_are_judged_on_the_rows_that_all_answered() -> None:
    of = days_of_jobs(8)
    n = len(of.jobs)
    said = Said(
        {"m": [Quantiles.point(60.0)] * n},
        {"part": [None, *[Quantiles.point(0.0)] * (n - 1)]},
        [False] * n,
    )
    report = make_report(of, range(n), said, seed=0)
    assert set(report.layers) == {"part"}
    assert report.answered == n - 1
    assert as_json(report.methods)["m"]["all"]["n"] == n - 1
    assert "skill_recent_like" not in as_json(report.layers)["part"]["all"]["interval"]


def test_figures_are_over_the_targets_that_all_methods_answered() -> None:
    of = days_of_jobs(8)  # all wait 600 s
    n = len(of.jobs)
    wrong_where_silent = [Quantiles.point(9e9)] * 8 + [Quantiles.point(500.0)] * (n - 8)
    silent = [None] * 8 + [Quantiles.point(600.0)] * (n - 8)
    told = as_json(report_of(of, {"often": wrong_where_silent, "seldom": silent}).methods)
    often, seldom = told["often"]["all"], told["seldom"]["all"]
    assert (often["n"], seldom["n"]) == (n - 8, n - 8)
    assert (often["mae_s"], seldom["mae_s"]) == (100.0, 0.0)
    assert (often["answer_rate"], seldom["answer_rate"]) == (1.0, 1.0 - 8 / n)


def test_cancelled_jobs_count_in_the_coverage_and_not_in_the_errors() -> None:
    of = days_of_jobs(8)
    gone = replace(of.jobs[0], wait_s=None, run_s=None, cancelled_wait_s=1200.0)
    of = replace(of, jobs=(gone, *of.jobs[1:]))
    n = len(of.jobs)
    figures = as_json(report_of(of, {"m": [Quantiles.point(900.0)] * n}).methods)["m"]["all"]
    assert (figures["n"], figures["n_censored"]) == (n, 1)
    assert figures["mae_s"] == 300.0
    assert figures["coverage_p90"] == pytest.approx(1.0 - 1 / n)


def test_coverage_is_not_told_where_jobs_are_chosen_by_what_came_of_them() -> None:
    of = days_of_jobs(8)
    said = {"m": [Quantiles.point(900.0)] * len(of.jobs)}
    by_stratum = as_json(report_of(of, said).methods)["m"]
    assert by_stratum["queued"]["coverage_p90"] is None
    assert by_stratum["queued"]["coverage_p90_randomised"] is None
    assert by_stratum["queued"]["interval"]["coverage_p90"] is None
    assert by_stratum["all"]["coverage_p90"] == 1.0


def test_the_same_seed_makes_the_same_report_whoever_else_is_in_it() -> None:
    of = random_trace(np.random.default_rng(8), 400)
    of = replace(of, jobs=tuple(one for one in of.jobs if one.wait_s is not None))
    drawn = np.random.default_rng(9).exponential(600.0, len(of.jobs))
    said = {"m": [Quantiles.point(float(each)) for each in drawn]}
    both = said | {"zero": [Quantiles.point(0.0)] * len(of.jobs)}
    once = as_json(report_of(of, said, seed=5).methods)["m"]["all"]
    again = as_json(report_of(of, both, seed=5).methods)["m"]["all"]
    for skill in SKILLS:
        again["interval"].pop(f"{skill}_zero")
    assert once == again
    other = as_json(report_of(of, said, seed=6).methods)["m"]["all"]
    assert other["interval"] != once["interval"] or other["interval"]["pinball"] is None
    assert other["pinball"] == once["pinball"]


def test_tables_are_readable_in_a_hundred_columns() -> None:
    of = days_of_jobs(8, wait_s=9_999_999.0)
    n = len(of.jobs)
    report = report_of(of, {name: [Quantiles.point(0.0)] * n for name in NAMES})
    lines = list(tables(report))
    assert max(len(line) for line in lines) <= 100
    assert sum(line.startswith("shipped *") for line in lines) == 3  # two strata are empty
    assert any("9,999,999" in line for line in lines)


def test_methods_are_chosen_by_name_each_once() -> None:
    assert chosen(None) == list(NAMES)
    assert chosen("zero, bmbp,zero") == ["zero", "bmbp"]
    assert chosen("shipped") == [SHIPPED]


@pytest.mark.parametrize("text", ["gbt", "zero,magic", "", ","])
def test_a_method_that_is_none_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(UnknownMethodError, match="known: zero, recent_median, recent_like, bmbp"):
        chosen(text)
