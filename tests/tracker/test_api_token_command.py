"""manage.py token: a contract of names, options and exit codes."""

import json

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.factories import make_cluster, make_experiment
from tracker.models import AuditEntry, Token

pytestmark = pytest.mark.django_db


def issue(capsys, *words: str) -> dict:
    call_command("token", *words, "--json")
    return json.loads(capsys.readouterr().out)


def test_a_new_user_gets_a_token_that_works(capsys):
    told = issue(capsys, "dora", "--scope", "user", "--create-user")
    assert set(told) == {"token", "scope", "expires_at"}
    token = Token.find(told["token"])
    assert token.user.username == "dora"
    assert (told["scope"], told["expires_at"]) == ("user", None)
    assert not User.objects.get(username="dora").has_usable_password()
    assert AuditEntry.objects.get(verb="issue").object_id == str(token.pk)


def test_a_run_token_names_its_experiment_and_cluster(people, capsys):
    experiment, cluster = make_experiment(people.alice), make_cluster()
    words = ["--scope", "run", "--experiment", str(experiment.pk), "--cluster", "lab"]
    token = Token.find(issue(capsys, "alice", *words, "--days", "2")["token"])
    assert (token.experiment, token.cluster) == (experiment, cluster)
    assert (token.expires_at - token.created_at).days in (1, 2)


def test_without_json_the_secret_stands_alone_on_standard_output(people, capsys):
    call_command("token", "alice", "--scope", "read")
    assert Token.find(capsys.readouterr().out.strip()).scope == "read"


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["nobody", "--scope", "user"], 1, "--create-user"),
        (["alice", "--scope", "run"], 2, "--experiment"),
        (["alice", "--scope", "user", "--experiment", "1"], 2, "--experiment"),
        (["alice", "--scope", "run", "--experiment", "99"], 1, "no experiment 99"),
        (
            ["alice", "--scope", "webhook", "--cluster", "atlantis"],
            1,
            "known: none, add one in the admin",
        ),
        (["alice", "--scope", "user", "--days", "0"], 2, "--days is 0"),
    ],
)
def test_wrong_words_are_told_with_the_cure(people, words, exit_code, message):
    with pytest.raises(CommandError, match=message) as raised:
        call_command("token", *words)
    assert raised.value.returncode == exit_code
    assert not Token.objects.exists()


def test_a_user_gets_no_run_token_for_anothers_experiment(people):
    experiment = make_experiment(people.alice)
    with pytest.raises(CommandError, match="mallory may not add runs"):
        call_command("token", "mallory", "--scope", "run", "--experiment", str(experiment.pk))
