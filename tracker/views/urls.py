"""Addresses of the tracker's pages."""

from django.urls import URLPattern, path

from tracker.views import (
    account,
    cluster,
    experiment,
    experiment_edit,
    experiments,
    groups,
    home,
    jobs,
    run,
    sign,
    tokens,
)

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("signin", sign.SignIn.as_view(), name="signin"),
    path("signout", sign.signout, name="signout"),
    path("account", account.account, name="account"),
    path("tokens", tokens.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke", tokens.token_revoke, name="token-revoke"),
    path("groups", groups.groups, name="groups"),
    path("groups/<int:pk>", groups.group, name="group"),
    path("groups/<int:pk>/members", groups.member_set, name="member-set"),
    path(
        "groups/<int:pk>/members/<int:user_pk>/remove", groups.member_remove, name="member-remove"
    ),
    path("experiments", experiments.experiments, name="experiments"),
    path("experiments/new", experiment_edit.experiment_new, name="experiment-new"),
    path("experiments/<int:pk>", experiment.experiment, name="experiment"),
    path("experiments/<int:pk>/edit", experiment_edit.experiment_edit, name="experiment-edit"),
    path("experiments/<int:pk>/archive", experiment.experiment_archive, name="experiment-archive"),
    path("runs/<str:pk>", run.run, name="run"),
    path("runs/<str:pk>/live", run.run_live, name="run-live"),
    path("clusters", cluster.clusters, name="clusters"),
    path("clusters/<str:name>", cluster.cluster, name="cluster"),
    path("jobs", jobs.jobs, name="jobs"),
]
