"""``manage.py token USER --scope …``: issue a token; the secret is printed once."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from tracker import recording
from tracker.management.choice import chosen_cluster
from tracker.models import Actor, Experiment, Token

SCOPES = ["run", "user", "read", "webhook"]


class Command(BaseCommand):
    help = "Issue a token. Its secret is printed once and stored nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument("--scope", choices=SCOPES, required=True)
        parser.add_argument("--create-user", action="store_true", help="make the user if unknown")
        parser.add_argument("--experiment", type=int, help="id; needed for scope run")
        parser.add_argument("--cluster", help="name; for scope run and webhook")
        parser.add_argument("--days", type=int, help="lifetime; else until revoked")
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        if (options["scope"] == "run") != (options["experiment"] is not None):
            raise CommandError("--experiment N goes with --scope run and no other", returncode=2)
        if options["days"] is not None and not 1 <= options["days"] <= 3650:
            raise CommandError(f"--days is {options['days']}; give 1 to 3650", returncode=2)
        target = _target(options["experiment"], options["cluster"])
        user = _user(options["user"], create=options["create_user"])
        if experiment := target["experiment"]:
            _check_may_run(user, experiment)
        days = options["days"]
        token, secret = recording.issue_token(
            actor=Actor(user),
            user=user,
            scope=options["scope"],
            lifetime=timedelta(days=days) if days else None,
            label="manage.py token",
            **target,
        )
        self._show(token, secret, as_json=options["json"])

    def _show(self, token: Token, secret: str, *, as_json: bool) -> None:
        expires_at = token.expires_at.isoformat() if token.expires_at else None
        if as_json:
            told = {"token": secret, "scope": token.scope, "expires_at": expires_at}
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(secret)
        self.stderr.write(
            f"scope {token.scope} of {token.user}, "
            f"{f'until {expires_at}' if expires_at else 'until revoked'}; not shown again"
        )


def _user(name: str, *, create: bool) -> User:
    user = User.objects.filter(username=name).first()
    if user is None and not create:
        raise CommandError(f'there is no user "{name}"; add --create-user to make one')
    return user or User.objects.create_user(name)


def _target(experiment_id: int | None, cluster_name: str | None) -> dict[str, Any]:
    experiment = None
    if experiment_id is not None:
        experiment = Experiment.objects.filter(pk=experiment_id).first()
        if experiment is None:
            raise CommandError(f"there is no experiment {experiment_id}")
    cluster = None if cluster_name is None else chosen_cluster(cluster_name)
    return {"experiment": experiment, "cluster": cluster}


def _check_may_run(user: User, experiment: Experiment) -> None:
    if not Actor(user).may_create_run(experiment):
        raise CommandError(
            f"{user} may not add runs to experiment {experiment.pk}: it belongs to "
            f"{experiment.owner}; share it in a group first"
        )
