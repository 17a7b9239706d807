"""Which runs belong together, and how their group is called."""

from tracker.comparing.groups import differing, groups_of

SWEEP = {
    "a": {"lr": 0.1, "depth": 2, "seed": 1},
    "b": {"lr": 0.2, "depth": 2, "seed": 1},
    "c": {"lr": 0.1, "depth": 2, "seed": 2},
    "d": {"depth": 2, "train.seed": 3},
}


def told(groups):
    return {group.label: group.members for group in groups}


def test_runs_that_differ_in_their_seed_alone_are_one_group():
    groups = groups_of(SWEEP, ["config"])
    assert told(groups) == {"lr = 0.1": ("a", "c"), "lr = 0.2": ("b",), "lr = not set": ("d",)}


def test_runs_are_grouped_by_the_settings_named():
    groups = groups_of(SWEEP, ["config.depth"])
    assert told(groups) == {"depth = 2": ("a", "b", "c", "d")}
    both = groups_of(SWEEP, ["config.lr", "config.seed"])
    assert told(both)["lr = 0.1, seed = 2"] == ("c",)


def test_runs_that_are_all_alike_are_called_so():
    alike = {"a": {"lr": 1, "seed": 1}, "b": {"lr": 1, "seed": 2}}
    assert told(groups_of(alike, ["config"])) == {"same configuration": ("a", "b")}


def test_settings_differ_where_one_run_has_none():
    assert differing(list(SWEEP.values())) == ["lr", "seed", "train.seed"]
    assert differing([{"lr": 1}, {"lr": 1}]) == []
    assert differing([]) == []
