from __future__ import annotations

import pytest

from planner.sim.cluster import Association
from planner.sim.fairshare import ShareTree, decay_factor


def account(
    name: str, shares: int | None, usage: float, parent: str | None = "root"
) -> Association:
    return Association(name, parent=parent, shares=shares, usage=usage)


def user(name: str, of: str, usage: float, shares: int | None = 1) -> Association:
    return Association(of, name, shares=shares, usage=usage)


def ranks(tree: ShareTree, *, merges_ties: bool = False) -> dict[str | None, float]:
    factors = tree.fair_tree(merges_ties=merges_ties)
    return {
        a.user: factor
        for a, factor in zip(tree.associations, factors, strict=True)
        if a.user is not None
    }


def tied_accounts() -> ShareTree:
    return ShareTree(
        [
            account("root", None, 80, parent=None),
            account("A", 1, 40),
            account("B", 1, 40),
            user("a1", "A", 30),
            user("a2", "A", 10),
            user("b1", "B", 20),
            user("b2", "B", 20),
        ]
    )


def test_documented_tie_rule_sorts_the_children_of_equal_accounts_together() -> None:
    assert ranks(tied_accounts(), merges_ties=True) == {
        "a2": 1.0,
        "b1": 0.75,
        "b2": 0.75,
        "a1": 0.25,
    }


def test_tie_rule_as_coded_lets_the_second_account_inherit_the_last_rank() -> None:
    assert ranks(tied_accounts()) == {"a2": 1.0, "a1": 0.75, "b1": 0.75, "b2": 0.75}


@pytest.mark.parametrize("merges_ties", [True, False])
def test_everybody_has_the_best_factor_while_nobody_has_used_anything(merges_ties: bool) -> None:
    tree = ShareTree(
        [
            account("root", None, 0, parent=None),
            account("A", 1, 0),
            account("B", 5, 0),
            user("a", "A", 0),
            user("b1", "B", 0),
            user("b2", "B", 0),
        ]
    )
    assert set(ranks(tree, merges_ties=merges_ties).values()) == {1.0}


def test_factors_are_those_that_a_real_sshare_printed() -> None:
    # sshare -a of Slurm 22.05.8: RawShares, RawUsage -> FairShare.
    tree = ShareTree(
        [
            account("root", None, 1602034, parent=None),
            user("root", "root", 0),
            account("bio", 30, 548426),
            user("erin", "bio", 548426, 20),
            account("edu", 10, 27040),
            user("frank", "edu", 27040, 10),
            account("ml", 60, 1026567),
            account("nlp", 40, 692505, parent="ml"),
            user("alice", "nlp", 409864, 30),
            user("bob", "nlp", 282640, 10),
            account("vision", 20, 334062, parent="ml"),
            user("carol", "vision", 267261, 20),
            user("dave", "vision", 66800, 10),
        ]
    )
    printed = {
        "root": 1.0,
        "frank": 0.857143,
        "dave": 0.714286,
        "carol": 0.571429,
        "alice": 0.428571,
        "bob": 0.285714,
        "erin": 0.142857,
    }
    assert ranks(tree) == pytest.approx(printed, abs=1e-6)
    level_fs = dict(
        zip([a.user or a.account for a in tree.associations], tree.level_fs(), strict=True)
    )
    # LevelFS was printed from usage of another moment than RawUsage.
    assert level_fs["nlp"] == pytest.approx(0.985914, rel=1e-2)


def test_a_user_comes_before_an_account_of_equal_level() -> None:
    tree = ShareTree(
        [
            account("root", None, 20, parent=None),
            account("A", 1, 10),
            user("below", "A", 10),
            user("direct", "root", 10),
        ]
    )
    assert ranks(tree) == {"direct": 1.0, "below": 1.0}  # a tie: same rank, walked in that order


def test_no_shares_ranks_last_and_fairshare_parent_first() -> None:
    tree = ShareTree(
        [
            account("root", None, 30, parent=None),
            user("none", "root", 0, shares=0),
            user("some", "root", 30, shares=10),
            user("parent", "root", 0, shares=None),
        ]
    )
    assert ranks(tree) == pytest.approx({"parent": 1.0, "some": 2 / 3, "none": 1 / 3})


def test_an_account_with_fairshare_parent_is_spliced_out() -> None:
    tree = ShareTree(
        [
            account("root", None, 100, parent=None),
            account("glass", None, 90),
            user("inside", "glass", 90),
            user("outside", "root", 10),
        ]
    )
    # Were the account a level of its own, its only user would use all of it.
    assert dict(zip([a.user for a in tree.associations], tree.level_fs(), strict=True))[
        "inside"
    ] == pytest.approx(0.5 / 0.9)
    assert ranks(tree) == {"outside": 1.0, "inside": 0.5}


def test_usage_is_charged_to_the_user_and_every_account_above() -> None:
    tree = ShareTree(
        [
            account("root", None, 5, parent=None),
            account("A", 1, 3),
            account("B", 1, 2),
            user("a", "A", 3),
        ]
    )
    index = tree.index("A", "a")
    assert index is not None
    tree.charge(index, 10.0)
    assert tree.usage.tolist() == [15.0, 13.0, 2.0, 13.0]


def test_decay_follows_the_series_approximation_of_a_half_life() -> None:
    # 1 - .693/3600 per second: over one half-life a little above one half less than 1e-4 off.
    assert decay_factor(1.0, 3600.0) == pytest.approx(1 - 0.693 / 3600)
    assert decay_factor(3600.0, 3600.0) == pytest.approx(0.50004, abs=2e-5)
    assert decay_factor(60.0, 0.0) == 1.0


def test_an_account_whose_parent_is_not_listed_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="parent account 'lost' is not listed"):
        ShareTree([account("root", None, 0, parent=None), account("A", 1, 0, parent="lost")])
