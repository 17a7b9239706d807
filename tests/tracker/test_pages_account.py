"""Tokens, groups and the account page."""

import pytest
from django.utils import timezone

from tests.factories import make_cluster, make_experiment
from tracker.models import ClusterAccount, Membership, ResearchGroup, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


def role_of(user):
    return Membership.objects.filter(user=user, group__name="vision").values_list("role").first()


# --- tokens


def test_the_secret_is_shown_once_and_works(alice, people):
    experiment = make_experiment(people.alice)
    answer = alice.post(
        "/tokens", {"scope": "run", "experiment": experiment.pk, "days": "7", "label": "job"}
    )
    secret = answer.context["secret"]
    assert secret in answer.text
    assert "no-store" in answer["Cache-Control"]
    token = Token.find(secret)
    assert (token.user, token.experiment, token.label) == (people.alice, experiment, "job")
    assert 6 < (token.expires_at - timezone.now()).days + 1 <= 7
    assert secret not in alice.get("/tokens").text


def test_a_run_token_names_an_experiment_that_one_may_change(client, people):
    foreign = make_experiment(people.alice, shared=False)
    client.force_login(people.mallory)
    for choice in ("", foreign.pk):
        answer = client.post("/tokens", {"scope": "run", "experiment": choice, "days": ""})
        assert answer.context["form"].errors["experiment"]
    assert not Token.objects.exists()


def test_only_staff_issue_webhook_tokens(client, people):
    fields = {"scope": "webhook", "days": ""}
    client.force_login(people.alice)
    assert "scope" in client.post("/tokens", fields).context["form"].errors
    client.force_login(people.staff)
    assert client.post("/tokens", fields).context["secret"]


def test_a_sign_in_link_cannot_be_made_here(alice):
    assert "scope" in alice.post("/tokens", {"scope": "signin"}).context["form"].errors


def test_revoking_closes_a_token_of_ones_own_and_no_others(alice, people):
    mine, _ = Token.issue(user=people.alice, scope="user")
    bobs, _ = Token.issue(user=people.bob, scope="user")
    assert alice.post(f"/tokens/{bobs.pk}/revoke").status_code == 404
    assert "no longer opens" in alice.post(f"/tokens/{mine.pk}/revoke", follow=True).text
    assert list(Token.objects.live(timezone.now())) == [bobs]


# --- groups


def test_whoever_makes_a_group_owns_it(client, people):
    client.force_login(people.mallory)
    client.post("/groups", {"name": "speech"})
    group = ResearchGroup.objects.get(name="speech")
    assert group.membership_set.get().role == "owner"
    assert "already exists" in client.post("/groups", {"name": "speech"}).text


def test_the_list_counts_all_members_of_ones_own_groups(client, people):
    client.force_login(people.rita)
    assert [group.member_count for group in client.get("/groups").context["groups"]] == [3]
    client.force_login(people.mallory)
    assert "In no group yet" in client.get("/groups").text


def test_an_owner_adds_members_and_changes_roles(alice, people):
    group = ResearchGroup.objects.get()
    path = f"/groups/{group.pk}/members"
    alice.post(path, {"username": "mallory", "role": "reader"})
    assert role_of(people.mallory) == ("reader",)
    alice.post(path, {"username": "mallory", "role": "member"})
    assert role_of(people.mallory) == ("member",)
    alice.post(f"{path}/{people.mallory.pk}/remove")
    assert role_of(people.mallory) is None


def test_an_unknown_user_is_named_with_the_cure(alice, people):
    group = ResearchGroup.objects.get()
    answer = alice.post(f"/groups/{group.pk}/members", {"username": "zoe", "role": "reader"})
    assert answer.status_code == 400
    assert "Nobody here is called “zoe”" in answer.text


def test_the_last_owner_stays(alice, people):
    group = ResearchGroup.objects.get()
    path = f"/groups/{group.pk}/members"
    for answer in (
        alice.post(path, {"username": "alice", "role": "reader"}, follow=True),
        alice.post(f"{path}/{people.alice.pk}/remove", follow=True),
    ):
        assert "only owner" in answer.text
    assert role_of(people.alice) == ("owner",)


def test_members_leave_but_remove_nobody_else(client, people):
    group = ResearchGroup.objects.get()
    client.force_login(people.bob)
    path = f"/groups/{group.pk}/members"
    assert client.post(f"{path}/{people.rita.pk}/remove").status_code == 403
    assert client.post(path, {"username": "mallory", "role": "owner"}).status_code == 403
    assert client.post(f"{path}/{people.bob.pk}/remove")["Location"] == "/groups"
    assert role_of(people.bob) is None


def test_a_strangers_group_is_not_there(client, people):
    group = ResearchGroup.objects.get()
    client.force_login(people.mallory)
    assert client.get(f"/groups/{group.pk}").status_code == 404
    assert client.post(f"/groups/{group.pk}/members").status_code == 404


# --- account


def test_the_account_page_says_who_one_is_on_each_cluster(alice, people):
    ClusterAccount.objects.create(
        user=people.alice, cluster=make_cluster("lab"), unix_name="alice7"
    )
    make_cluster("other")
    text = alice.get("/account").text
    assert "alice7" in text
    assert "not mapped yet" in text
    assert "vision" in text
