"""The filter language of runs: what is read, what is refused and how, and what it finds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW, make_cluster, make_experiment
from tracker.flat_config import flat, setting_words
from tracker.metrics.points import bits_of
from tracker.models import Actor, MetricSeries, Run
from tracker.recording import NewPoint, append_points, create_run, tag_runs
from tracker.searching.keys import Key, Kind, QueryError, Sort, parse_columns, parse_key, parse_sort
from tracker.searching.query import Clause, parse_where
from tracker.searching.search import in_order, matching, with_words

LOSS = Key(Kind.METRIC, "loss")
LR = Key(Kind.CONFIG, "optim.lr")


def attribute(name: str) -> Key:
    return Key(Kind.ATTRIBUTE, name)


# --- reading


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("metrics.loss < 0.1", Clause(LOSS, "<", (0.1,))),
        ("metric.loss<=-1e-3", Clause(LOSS, "<=", (-0.001,))),
        ("metrics.`val loss` <> 3", Clause(Key(Kind.METRIC, "val loss"), "!=", (3,))),
        ('metrics."a (b)" == .5', Clause(Key(Kind.METRIC, "a (b)"), "=", (0.5,))),
        ("metrics.val/top-1@5 > 0", Clause(Key(Kind.METRIC, "val/top-1@5"), ">", (0,))),
        ("metrics.loss = nan", Clause(LOSS, "=", ("NaN",))),
        ("metrics.loss in (NaN, -inf)", Clause(LOSS, "in", ("NaN", "-Infinity"))),
        ("min.loss < 1", Clause(Key(Kind.MIN, "loss"), "<", (1,))),
        ("params.optim.lr = 0.1", Clause(LR, "=", (0.1,))),
        ("config.optim.lr = '0.1'", Clause(LR, "=", ("0.1",))),
        ("config.optim.lr = auto", Clause(LR, "=", ("auto",))),
        ("tags.note = 'it''s'", Clause(Key(Kind.TAG, "note"), "=", ("it's",))),
        ("tags.note IS NOT NULL", Clause(Key(Kind.TAG, "note"), "is not null")),
        ("tag = baseline", Clause(attribute("tag"), "=", ("baseline",))),
        ("status not in (failed, TIMEOUT)",
         Clause(attribute("status"), "not in", ("FAILED", "TIMEOUT"))),
        ("attributes.seed >= 3", Clause(attribute("seed"), ">=", (3,))),
        ("created_at > 2026-11-01",
         Clause(attribute("created_at"), ">", (datetime(2026, 11, 1, tzinfo=UTC),))),
        ("ended_at < '2026-11-01 14:30+02:00'",
         Clause(attribute("ended_at"), "<", (datetime(2026, 11, 1, 12, 30, tzinfo=UTC),))),
        ("config.x like 12", Clause(Key(Kind.CONFIG, "x"), "like", ("12",))),
    ],
)  # fmt: skip
def test_a_clause_is_read(text: str, clause: Clause) -> None:
    assert parse_where(text) == [clause]


def test_clauses_are_joined_by_and_in_any_case() -> None:
    assert [str(one.key) for one in parse_where(" seed = 1 AND seed=2 and name = and ")] == [
        "seed", "seed", "name",
    ]  # fmt: skip
    assert parse_where("  ") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("loss < 1", "“loss” is no attribute of a run. Metrics, settings and tags have their kind"),
        ("metrics.loss", "The filter ends where a comparison of metrics.loss"),
        ("metrics.loss <", "The filter ends where a value of metrics.loss is expected."),
        ("metrics.loss < small", "At character 16, “small” does not fit: metrics.loss is a number"),
        ("metrics.loss < nan", "“nan” does not fit"),
        ("metrics.loss < 1e999", "“1e999” does not fit"),
        ("metrics.loss like 'a'", "“like 'a'” is no comparison of metrics.loss: write one of ="),
        ("metrics.* < 1", "name one"),
        ("seed = 1.5", "seed is a whole number"),
        ("status = DONE", "status is a status, such as COMPLETED"),
        ("created_at = 2026-11-01", "is no comparison of created_at: write one of <"),
        ("created_at > yesterday", "a moment in UTC, such as 2026-11-28"),
        ("seed = 1 or seed = 2", "clauses are joined by “and”"),
        ("seed = 1 seed = 2", "At character 10, “seed = 2” stands where the filter ends"),
        ("seed = 1 and", "The filter ends where a key"),
        ("seed in 1", "a list such as seed in (a, b)"),
        ("seed in (1", "The filter ends where a list"),
        ("seed in (1 2)", "a list such as seed in (a, b)"),
        ("(seed = 1)", "stands where a key such as metrics.loss is expected"),
        ("name = 'open", "cannot be read; a quotation mark may not be closed"),
        ("tags.a is", "is no comparison of tags.a"),
        ("colour.x = 1", "“colour.x” is no key: write metrics.NAME"),
        ("name = a" + " and name = a" * 20, "21 clauses; give at most 20"),
        ("name = " + "a" * 4_000, "give at most 4000"),
    ],
)
def test_nonsense_is_told_with_its_place_and_a_cure(text: str, told: str) -> None:
    with pytest.raises(QueryError) as error:
        parse_where(text)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "key", ["metrics.loss", "metrics.`val loss`", "config.a.b", "tags.x", "seed"]
)
def test_a_key_is_written_as_it_is_read(key: str) -> None:
    assert str(parse_key(key)) == key


PIECES = [*"abm.=<>!(),'`\"-1 e", "and", "metrics.", " in ", " is null", "tags.x"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        clauses = parse_where(text)
    except QueryError:
        return
    assert bool(clauses) == bool(text.strip())


def test_sorts_and_columns_are_read() -> None:
    assert parse_sort("-metrics.loss") == Sort(LOSS, descending=True)
    assert parse_sort(" ") is None
    assert parse_columns("metrics.loss, config.optim.lr,,metrics.loss,tags.`a,b`") == [
        LOSS, LR, Key(Kind.TAG, "a,b"),
    ]  # fmt: skip
    for text in ("-tag", "metrics.*", "bad"):
        with pytest.raises(QueryError):
            parse_sort(text)
    with pytest.raises(QueryError, match="give at most 40"):
        parse_columns(",".join(f"metrics.m{number}" for number in range(41)))


def test_configurations_become_flat() -> None:
    config = {"optim": {"lr": 0.1, "betas": [0.9, 0.99]}, "empty": {}, "name": "ä", "none": None}
    assert flat(config) == {
        "optim.lr": 0.1, "optim.betas": [0.9, 0.99], "empty": {}, "name": "ä", "none": None,
    }  # fmt: skip
    words = [setting_words(value) for value in flat(config).values()]
    assert words == ["0.1", "[0.9, 0.99]", "{}", "ä", ""]


# --- finding

RUNS: dict[str, dict[str, object]] = {
    "a": {
        "config": {"optim": {"lr": 0.1, "name": "adam"}, "on": True},
        "loss": 0.5,
        "tags": {"baseline": "", "dataset": "c4"},
        "status": "COMPLETED",
        "hours": 1,
    },
    "b": {
        "config": {"optim.lr": 0.01, "optim.name": "adamw", "on": False},
        "loss": 0.2,
        "tags": {"dataset": "wiki text"},
        "status": "FAILED",
        "hours": 3,
    },
    "c": {
        "config": {"optim": {"lr": "auto", "name": None}, "huge": 10**400},
        "loss": float("nan"),
        "tags": {"keep": "", "a_b": "x"},
        "status": "RUNNING",
    },
    "d": {"config": {"on": "true", "optim": {"lr": 7}}, "tags": {}, "status": "CREATED"},
}


@pytest.fixture
def runs(people):
    """Runs a to d, made in this order."""
    experiment, actor = make_experiment(people.alice), Actor(people.alice)
    cluster = make_cluster()
    for place, (name, what) in enumerate(RUNS.items()):
        run, _ = create_run(
            experiment, actor=actor, seed=place, slurm_job_id=800 + place, config=what["config"]
        )
        if "loss" in what:
            append_points(
                run, [NewPoint("loss", 1, 9.0), NewPoint("loss", 2, what["loss"])], now=NOW
            )
        tag_runs([run], what["tags"], actor=actor)
        started_at = NOW if "hours" in what else None
        Run.objects.filter(pk=run.pk).update(
            name=name, status=what["status"], started_at=started_at, cluster=cluster,
            submitted_at=NOW - timedelta(minutes=5),
            ended_at=started_at and NOW + timedelta(hours=what["hours"]),
        )  # fmt: skip
    return Run.objects.all()


def names(runs) -> str:
    return "".join(runs.values_list("name", flat=True))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("metrics.loss < 0.5", "b"),
        ("metrics.loss <= 0.5 and metrics.loss > 0.2", "a"),
        ("metrics.loss != 0.5", "b"),
        ("metrics.loss = NaN", "c"),
        ("metrics.loss in (NaN, 0.5)", "ac"),
        ("metrics.loss != NaN", "ab"),
        ("metrics.loss is null", "cd"),
        ("metrics.loss is not null", "ab"),
        ("metrics.nothing < 1", ""),
        ("max.loss >= 9", "abc"),
        ("min.loss < 1 and max.loss > 1", "ab"),
        ("config.optim.lr > 0.05", "ad"),
        ("config.optim.lr = 0.01", "b"),
        ("config.optim.lr in (0.1, auto)", "ac"),
        ("config.optim.lr != 0.1", "bcd"),
        ("config.optim.lr not in (0.1, auto)", "bd"),
        ("config.optim.lr = auto", "c"),
        ("config.optim.name like 'adam%'", "ab"),
        ("config.optim.name like 'ADAM%'", ""),
        ("config.optim.name ilike 'ADAM_'", "b"),
        ("config.optim.name is null", "cd"),
        ("config.on = true", "ad"),
        ("config.on != true", "b"),
        ("config.huge > 1", ""),
        ("config.huge is not null", "c"),
        ("config.optim is not null", "acd"),
        ("tags.dataset = c4", "a"),
        ("tags.dataset != c4", "b"),
        ("tags.dataset in (c4, 'wiki text')", "ab"),
        ("tags.dataset is null", "cd"),
        ("tags.dataset like 'w%t'", "b"),
        ("tag = baseline", "a"),
        ("tag != baseline", "bcd"),
        ("tag in (baseline, keep)", "ac"),
        ("tag like 'a_b'", "c"),
        ("tag is null", "d"),
        ("tag is not null and seed > 0", "bc"),
        ("status = failed", "b"),
        ("status in (FAILED, COMPLETED)", "ab"),
        ("status like 'C%'", "ad"),
        ("seed >= 1 and seed < 3", "bc"),
        ("seed in (0, 3)", "ad"),
        ("job = 802", "c"),
        ("user = alice and experiment = vit-small and cluster = lab", "abcd"),
        ("user != alice", ""),
        ("duration_s > 7200", "b"),
        ("duration_s is null", "cd"),
        ("duration_s > 3599 and duration_s < 3601", "a"),
        ("waited_s > 299 and waited_s < 301", "abcd"),
        ("created_at > 2020-01-01 and created_at < 2100-01-01", "abcd"),
        ("exit_code is null", "abcd"),
        ("name in (a, d)", "ad"),
        ("config.`it's` = 1", ""),
        (r"config.`a\b[0] %s $.x'` = 1", ""),
        ("metrics.`%s` < 1", ""),
        ("tags.`%(a)s` = '%s'", ""),
    ],
)
def test_runs_are_found(runs, where: str, found: str) -> None:
    assert names(matching(runs, parse_where(where), now=NOW).order_by("pk")) == found


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "dcba"),
        ("metrics.loss", "badc"),
        ("-metrics.loss", "abdc"),
        ("min.loss", "bacd"),
        ("config.optim.lr", "badc"),
        ("-config.optim.lr", "dabc"),
        ("config.optim.name", "abdc"),
        ("tags.dataset", "abdc"),
        ("-tags.dataset", "badc"),
        ("seed", "abcd"),
        ("-duration_s", "badc"),
        ("status", "adbc"),
    ],
)
def test_runs_are_sorted_with_what_is_missing_last(runs, sort: str, order: str) -> None:
    wanted = parse_sort(sort)
    assert names(in_order(runs, [wanted] if wanted else [], now=NOW)) == order


@pytest.mark.parametrize(
    ("words", "found"),
    [("baseline", "a"), ("C4", "a"), ("vit-small", "abcd"), ("alice keep", "c"), ("803", "d"),
     ("nowhere", ""), ("%", ""), ("wiki", "b")],
)  # fmt: skip
def test_words_are_found_in_names_tags_and_ids(runs, words: str, found: str) -> None:
    assert names(with_words(runs, words).order_by("pk")) == found


def test_a_run_is_found_by_a_part_of_its_id(runs) -> None:
    run = runs.get(name="b")
    assert names(with_words(runs, run.pk[-8:])) == "b"


def test_a_series_without_a_point_counts_as_missing(runs) -> None:
    MetricSeries.objects.create(run=runs.get(name="d"), name="acc")
    MetricSeries.objects.create(
        run=runs.get(name="a"), name="acc", last_bits=bits_of(1.0), last_value=1.0
    )
    assert (
        names(matching(runs, parse_where("metrics.acc is null"), now=NOW).order_by("pk")) == "bcd"
    )
