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
    polls,
    run,
    run_deeds,
    sign,
    start,
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
    path("experiments/<int:pk>/start", start.start, name="start"),
    path("experiments/<int:pk>/adopt", experiment.experiment_adopt, name="experiment-adopt"),
    path("runs/<str:pk>", run.run, name="run"),
    path("runs/<str:pk>/live", run.run_live, name="run-live"),
    path("runs/<str:pk>/cancel", run_deeds.run_cancel, name="run-cancel"),
    path("runs/<str:pk>/decide", run_deeds.run_decide, name="run-decide"),
    path("runs/<str:pk>/slurm", run_deeds.run_slurm, name="run-slurm"),
    path("clusters", cluster.clusters, name="clusters"),
    path("clusters/<str:name>", cluster.cluster, name="cluster"),
    path("clusters/<str:name>/polls", polls.polls, name="polls"),
    path("clusters/<str:name>/polling", polls.polling_set, name="polling-set"),
    path("jobs", jobs.jobs, name="jobs"),
    path("jobs/cancel-mine", run_deeds.cancel_mine, name="cancel-mine"),
]
