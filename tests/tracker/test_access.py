"""Who may see and touch what: the rules beneath every page and every address."""

import pytest

from tests.factories import make_experiment
from tracker.models import Actor, Membership, Run, Token

pytestmark = pytest.mark.django_db


def test_a_reader_sees_the_groups_experiment_and_cannot_change_it(people):
    experiment = make_experiment(people.alice)
    rita = Actor(people.rita)
    assert experiment in rita.experiments()
    assert experiment not in rita.editable_experiments()
    assert not rita.may_create_run(experiment)


def test_a_member_changes_but_does_not_own(people):
    experiment = make_experiment(people.alice)
    bob = Actor(people.bob)
    assert experiment in bob.editable_experiments()
    assert experiment not in bob.owned_experiments()


def test_a_stranger_sees_nothing_and_staff_sees_all(people):
    experiment = make_experiment(people.alice, shared=False)
    assert experiment not in Actor(people.mallory).experiments()
    assert experiment not in Actor(people.bob).experiments()
    assert experiment in Actor(people.staff).experiments()


def test_a_run_token_reaches_its_own_experiment_only(people):
    mine, other = make_experiment(people.alice), make_experiment(people.alice, name="other")
    token, _ = Token.issue(user=people.alice, scope="run", experiment=mine)
    actor = Actor(people.alice, token)
    assert actor.may_create_run(mine)
    assert not actor.may_create_run(other)
    assert list(actor.experiments()) == [mine]
    assert not actor.editable_experiments().exists()


def test_a_token_of_one_run_does_not_log_to_its_sibling(people):
    experiment = make_experiment(people.alice)
    one = Run.objects.create(experiment=experiment, config_sha256="0" * 64)
    two = Run.objects.create(experiment=experiment, config_sha256="0" * 64)
    token, _ = Token.issue(user=people.alice, scope="run", run=one)
    actor = Actor(people.alice, token)
    assert actor.may_log_to(one)
    assert not actor.may_log_to(two)
    assert list(actor.runs()) == [one]


def test_a_run_token_opens_nothing_that_its_user_has_lost(people):
    experiment = make_experiment(people.alice)
    run = Run.objects.create(experiment=experiment, config_sha256="0" * 64)
    token, _ = Token.issue(user=people.bob, scope="run", experiment=experiment)
    bob = Actor(people.bob, token)
    assert bob.may_log_to(run)
    membership = Membership.objects.filter(user=people.bob)
    membership.update(role="reader")
    assert not bob.may_log_to(run)
    assert not bob.may_create_run(experiment)
    assert list(bob.runs()) == [run]
    membership.delete()
    assert not bob.runs().exists()


def test_a_staff_members_run_token_is_no_staff(people):
    experiment = make_experiment(people.alice)
    token, _ = Token.issue(user=people.staff, scope="run", experiment=experiment)
    assert not Actor(people.staff, token).is_staff


def test_a_secret_is_found_by_its_whole_length_only(people):
    token, secret = Token.issue(user=people.alice, scope="user")
    assert Token.find(secret) == token
    assert Token.find(secret[:-1]) is None
    assert Token.find("") is None
