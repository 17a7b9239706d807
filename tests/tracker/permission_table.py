"""Who may do what: every address, every method, everybody. ``test_permissions`` reads it.

To add an address, add a ``Row`` to a section below (or a section to ``TABLE``): its route as the
resolver prints it, the method, one status for each of ``CALLERS`` in their order, the body if it
needs one, and for each argument of the route the name of what ``World`` puts there. Methods of a
route that have no row must be refused to everybody. Columns:

    nobody  stranger  reader  member  owner  staff | run  user  read  webhook  expired

Left of the bar sessions; right of it tokens: all of the owner, save webhook, which is of staff.
"""

# ruff: noqa: E501 — one line a row, so that columns can be read down

from __future__ import annotations

from dataclasses import dataclass, field

CALLERS = (
    "nobody",
    "stranger",
    "reader",
    "member",
    "owner",
    "staff",
    "run",
    "user",
    "read",
    "webhook",
    "expired",
)


@dataclass(frozen=True)
class Row:
    route: str
    method: str
    statuses: str
    body: object = None
    form: bool = False
    args: dict[str, str] = field(default_factory=dict)

    def status_by_caller(self) -> dict[str, int]:
        statuses = [int(word) for word in self.statuses.replace("|", " ").split()]
        return dict(zip(CALLERS, statuses, strict=True))


def api(route: str, method: str, statuses: str, body: object = None, **args: str) -> Row:
    return Row(f"api/v1/{route}", method, statuses, body, args=args)


def page(route: str, method: str, sessions: str, form: object = None, **args: str) -> Row:
    """Pages take sessions only: a token is nobody there, and has no CSRF token to send."""
    tokens = "302 302 302 302 302" if method == "GET" else "403 403 403 403 403"
    return Row(route, method, f"{sessions} | {tokens}", form, form=True, args=args)


# fmt: off
A = {"pk": "experiment"}
EXPERIMENTS = [
    api("experiments", "GET",    "401 200 200 200 200 200 | 200 200 200 403 401"),
    api("experiments", "POST",   "401 201 201 201 201 201 | 403 201 403 403 401", {"name": "new"}),
    api("experiments/<int:pk>", "GET",    "401 404 200 200 200 200 | 200 200 200 403 401", **A),
    api("experiments/<int:pk>", "PATCH",  "401 404 403 200 200 200 | 403 200 403 403 401", {}, **A),
    api("experiments/<int:pk>", "DELETE", "401 404 403 403 204 204 | 403 204 403 403 401", **A),
    api("experiments/<int:pk>/archive", "POST", "401 404 403 403 200 200 | 403 200 403 403 401", **A),
    api("experiments/<int:pk>/restore", "POST", "401 404 403 403 200 200 | 403 200 403 403 401", **A),
]
E = {"experiment_id": "experiment"}
R = {"run_id": "run"}
POINT = {"name": "loss", "value": 1}
ARTIFACT = {"path": "/data/1.pt"}
ARCHIVE = {"runs": ["0" * 32], "action": "archive"}
RUNS = [
    api("experiments/<int:experiment_id>/runs", "GET",  "401 404 200 200 200 200 | 200 200 200 403 401", **E),
    api("experiments/<int:experiment_id>/runs", "POST", "401 404 403 201 201 201 | 201 201 403 403 401", {}, **E),
    api("runs", "GET", "401 200 200 200 200 200 | 200 200 200 403 401"),
    # No such run: 404 is what those get who may change runs at all.
    api("runs/bulk", "POST", "401 404 404 404 404 404 | 403 404 403 403 401", ARCHIVE),
    api("runs/<str:run_id>", "GET",   "401 404 200 200 200 200 | 200 200 200 403 401", **R),
    api("runs/<str:run_id>", "PATCH", "401 404 403 200 200 200 | 200 200 403 403 401", {}, **R),
    api("runs/<str:run_id>/metrics",   "GET",  "401 404 200 200 200 200 | 200 200 200 403 401", query="name=acc", **R),
    api("runs/<str:run_id>/metrics",   "POST", "401 404 403 201 201 201 | 201 201 403 403 401", POINT, **R),
    # Whoever may see the run is told that it has no job, and so no log.
    api("runs/<str:run_id>/log",        "GET", "401 404 404 404 404 404 | 403 404 404 403 401", **R),
    api("runs/<str:run_id>/log/search", "GET", "401 404 404 404 404 404 | 403 404 404 403 401", query="q=x", **R),
    api("runs/export", "GET", "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("runs/<str:run_id>/files",         "GET", "401 404 200 200 200 200 | 403 200 200 403 401", **R),
    api("runs/<str:run_id>/files/content", "GET", "401 404 404 404 404 404 | 403 404 404 403 401", query="path=/data/1.pt", **R),
    # Of runs that one may not see it tells how many it leaves out.
    api("compare", "GET", "401 200 200 200 200 200 | 200 200 200 403 401", query="experiment=1&metric=acc"),
    api("runs/<str:run_id>/artifacts", "GET",  "401 404 200 200 200 200 | 200 200 200 403 401", **R),
    api("runs/<str:run_id>/artifacts", "POST", "401 404 403 201 201 201 | 201 201 403 403 401", ARTIFACT, **R),
]
# The cluster of this world is only read, and the run has no job: 409 is what those who may get.
KEY, JOB_ID, NO_JOB = {"key": "k"}, {"slurm_job_id": "828"}, {"slurm_job_id": None}
STARTING = [
    api("experiments/<int:experiment_id>/start", "POST", "401 404 403 409 409 409 | 403 409 403 403 401", KEY, **E),
    api("experiments/<int:experiment_id>/adopt", "POST", "401 404 403 409 409 409 | 403 409 403 403 401", JOB_ID, **E),
    api("runs/<str:run_id>/cancel", "POST", "401 404 403 409 409 409 | 403 409 403 403 401", **R),
    api("runs/<str:run_id>/rerun",  "POST", "401 404 403 409 409 409 | 403 409 403 403 401", KEY, **R),
    api("runs/<str:run_id>/decide", "POST", "401 404 403 409 409 409 | 403 409 403 403 401", NO_JOB, **R),
    # Everybody's own, which here are none.
    api("runs/cancel-mine", "POST", "401 202 202 202 202 202 | 403 202 403 403 401", {}),
]
ROOT_CONTRACTS = [
    Row("experiments/<str:experiment_id>/runs", "POST", "401 404 403 201 201 201 | 201 201 403 404 401", {}, args=E),
    Row("runs/<str:run_id>/metrics", "POST",            "401 404 403 201 201 201 | 201 201 403 403 401", POINT, args=R),
    Row("webhooks/slurm", "POST",                       "401 202 202 202 202 202 | 403 202 403 202 401", {"job_id": 828}),
]
CLUSTERS = [
    api("clusters",          "GET", "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("clusters/<int:pk>", "GET", "401 200 200 200 200 200 | 403 200 200 403 401", pk="cluster"),
    api("clusters/<int:cluster_id>/polls", "GET", "401 403 403 403 403 200 | 403 403 403 403 401", cluster_id="cluster"),
    api("partitions",          "GET", "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("partitions/<int:pk>", "GET", "401 200 200 200 200 200 | 403 200 200 403 401", pk="partition"),
    api("nodes",          "GET", "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("nodes/<int:pk>", "GET", "401 200 200 200 200 200 | 403 200 200 403 401", pk="node"),
    api("jobs",           "GET", "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("jobs/<int:pk>",  "GET", "401 200 200 200 200 200 | 403 200 200 403 401", pk="job"),
    api("jobs/<int:pk>/estimates", "GET", "401 200 200 200 200 200 | 403 200 200 403 401", pk="job"),
]
# Everybody's own, which here are none.
NOTICES = [
    page("notices",       "GET",  "302 200 200 200 200 200"),
    page("notices/badge", "GET",  "302 200 200 200 200 200"),
    page("notices/read",  "POST", "302 302 302 302 302 302"),
    page("notices/<int:pk>/read", "POST", "302 404 404 404 404 404", pk="no_question"),
    page("notices/wishes", "POST", "302 302 302 302 302 302"),
    api("notices",      "GET",  "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("notices/read", "POST", "401 200 200 200 200 200 | 403 200 403 403 401", {}),
    # Whoever may see the run is told that it has no job.
    api("runs/<str:run_id>/usage", "GET", "401 404 404 404 404 404 | 403 404 404 403 401", **R),
]
G = {"pk": "group"}
M = {"group_id": "group"}
PEOPLE = [
    api("groups", "GET",  "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("groups", "POST", "401 201 201 201 201 201 | 403 201 403 403 401", {"name": "speech"}),
    api("groups/<int:pk>", "GET",    "401 404 200 200 200 200 | 403 200 200 403 401", **G),
    api("groups/<int:pk>", "PATCH",  "401 404 403 403 200 200 | 403 200 403 403 401", {"name": "eyes"}, **G),
    # It still has an experiment.
    api("groups/<int:pk>", "DELETE", "401 404 403 403 409 409 | 403 409 403 403 401", **G),
    api("groups/<int:group_id>/members", "POST", "401 404 403 403 201 201 | 403 201 403 403 401", {"user": "mallory"}, **M),
    # The member is the one to be taken out.
    api("groups/<int:group_id>/members/<str:username>", "DELETE",
        "401 404 403 204 204 204 | 403 204 403 403 401", username="member", **M),
    api("tokens", "GET",  "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("tokens", "POST", "401 201 201 201 201 201 | 403 201 403 403 401", {"scope": "user"}),
    # The owner's: nobody else's business, not even staff's (they have the admin pages).
    api("tokens/<int:pk>", "GET",    "401 404 404 404 200 404 | 403 200 200 403 401", pk="token"),
    api("tokens/<int:pk>", "DELETE", "401 404 404 404 204 404 | 403 204 403 403 401", pk="token"),
    api("audit",  "GET", "401 403 403 403 403 200 | 403 403 403 403 401"),
    api("me",     "GET", "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("schema", "GET", "401 200 200 200 200 200 | 403 200 200 403 401"),
]
HEALTH = [
    Row("healthz", "GET", "200 200 200 200 200 200 | 200 200 200 200 200"),
    Row("client/queuecast.py", "GET", "200 200 200 200 200 200 | 200 200 200 200 200"),
    Row("readyz",  "GET", "200 200 200 200 200 200 | 200 200 200 200 200"),
    Row("metrics", "GET", "401 403 403 403 403 200 | 403 403 403 403 401"),
]
MEMBER = {"pk": "group", "user_pk": "bob"}
C = {"name": "cluster_name"}
PAGES = [
    page("",        "GET", "302 200 200 200 200 200"),
    page("account", "GET", "302 200 200 200 200 200"),
    Row("signin",  "GET",  "200 302 302 302 302 302 | 200 200 200 200 200"),
    page("signin",  "POST", "200 302 302 302 302 302"),
    page("signout", "POST", "302 302 302 302 302 302"),
    page("tokens",  "GET",  "302 200 200 200 200 200"),
    page("tokens",  "POST", "302 200 200 200 200 200"),
    page("tokens/<int:pk>/revoke", "POST", "302 404 404 404 302 404", pk="token"),
    page("groups",  "GET",  "302 200 200 200 200 200"),
    page("groups",  "POST", "302 200 200 200 200 200"),
    page("groups/<int:pk>", "GET", "302 404 200 200 200 200", **G),
    page("groups/<int:pk>/members", "POST", "302 404 403 403 400 400", **G),
    page("groups/<int:pk>/members/<int:user_pk>/remove", "POST", "302 404 403 302 302 302", **MEMBER),
    page("experiments",     "GET",  "302 200 200 200 200 200"),
    page("experiments/new", "GET",  "302 200 200 200 200 200"),
    page("experiments/new", "POST", "302 400 400 400 400 400"),
    page("experiments/<int:pk>", "GET", "302 404 200 200 200 200", **A),
    page("experiments/<int:pk>/edit", "GET",  "302 404 403 200 200 200", **A),
    page("experiments/<int:pk>/edit", "POST", "302 404 403 400 400 400", **A),
    page("experiments/<int:pk>/archive", "POST", "302 404 403 403 302 302", **A),
    page("experiments/<int:pk>/start", "GET",  "302 404 403 200 200 200", **A),
    page("experiments/<int:pk>/start", "POST", "302 404 403 400 400 400", **A),
    page("experiments/<int:pk>/adopt", "POST", "302 404 403 400 400 400", **A),
    page("compare", "GET", "302 200 200 200 200 200", query="experiment=1"),
    page("runs", "GET", "302 200 200 200 200 200"),
    # Nothing is ticked, and the name of the view is missing: the page they came from says so.
    page("runs/bulk",  "POST", "302 302 302 302 302 302"),
    page("runs/views", "POST", "302 302 302 302 302 302"),
    page("runs/views/<int:pk>/delete", "POST", "302 404 404 404 404 404", pk="no_question"),
    page("runs/<str:pk>",      "GET", "302 404 200 200 200 200", pk="run"),
    page("runs/<str:pk>/words", "POST", "302 404 403 302 302 302", pk="run"),
    page("runs/<str:pk>/live", "GET", "302 404 200 200 200 200", pk="run"),
    page("runs/<str:pk>/files", "GET", "302 404 200 200 200 200", pk="run"),
    # Nothing of it to cancel or to decide: the page of the run says so.
    page("runs/<str:pk>/cancel", "GET",  "302 404 403 302 302 302", pk="run"),
    page("runs/<str:pk>/cancel", "POST", "302 404 403 302 302 302", pk="run"),
    page("runs/<str:pk>/decide", "POST", "302 404 403 302 302 302", pk="run"),
    # It has no job to show.
    page("runs/<str:pk>/slurm", "GET", "302 404 404 404 404 404", pk="run"),
    # With one cluster there is nothing to choose from.
    page("clusters", "GET", "302 302 302 302 302 302"),
    page("clusters/<str:name>", "GET", "302 200 200 200 200 200", **C),
    page("clusters/<str:name>/polls",   "GET",  "302 403 403 403 403 200", **C),
    page("clusters/<str:name>/polling", "POST", "302 403 403 403 403 302", **C),
    page("jobs", "GET", "302 200 200 200 200 200"),
    page("jobs/cancel-mine", "GET",  "302 200 200 200 200 200"),
    page("jobs/cancel-mine", "POST", "302 302 302 302 302 302"),
]
NODES_0 = {"nodes": 0}
PLANNING = [
    page("plan", "GET", "302 200 200 200 200 200"),
    # Without a script there is nothing to read.
    page("plan/script", "POST", "302 400 400 400 400 400", {}),
    # No future is kept yet.
    page("clusters/<str:name>/plan/schedule", "GET", "302 204 204 204 204 204", **C),
    page("plan/questions/<int:pk>", "GET", "302 404 404 404 404 404", pk="no_question"),
    page("plan/<str:name>/queue", "GET", "302 200 200 200 200 200", **C),
    page("plan/<str:name>/accuracy", "GET", "302 200 200 200 200 200", **C),
    page("accuracy", "GET", "302 200 200 200 200 200"),
    page("clusters/<str:name>/self-check", "GET", "302 403 403 403 403 200", **C),
    page("plan/questions/<int:pk>/options/<int:number>/start", "GET",  "302 404 404 404 404 404", pk="no_question", number="no_question"),
    page("plan/questions/<int:pk>/options/<int:number>/start", "POST", "302 404 404 404 404 404", pk="no_question", number="no_question"),
    # Nothing was foretold of its start: there is nothing to show.
    page("runs/<str:pk>/promised", "GET", "302 404 204 204 204 204", pk="run"),
    # Everybody's own, which here are none. Without a question no watch is begun: the list says so.
    page("watches", "GET",  "302 200 200 200 200 200"),
    page("watches", "POST", "302 302 302 302 302 302"),
    page("watches/<int:pk>/cancel", "POST", "302 404 404 404 404 404", pk="no_question"),
    api("watches", "GET",  "401 200 200 200 200 200 | 403 200 200 403 401"),
    api("watches", "POST", "401 400 400 400 400 400 | 403 400 403 403 401", {}),
    api("watches/<int:pk>", "GET",    "401 404 404 404 404 404 | 403 404 404 403 401", pk="no_question"),
    api("watches/<int:pk>", "DELETE", "401 404 404 404 404 404 | 403 404 403 403 401", pk="no_question"),
    api("accuracy", "GET", "401 200 200 200 200 200 | 403 200 200 403 401"),
    # Whoever may ask is told that no nodes is no request.
    api("plan", "POST", "401 400 400 400 400 400 | 403 400 403 403 401", NODES_0),
    api("plan/<int:pk>", "GET", "401 404 404 404 404 404 | 403 404 404 403 401", pk="no_question"),
]
# fmt: on

TABLE = [
    *EXPERIMENTS,
    *RUNS,
    *STARTING,
    *ROOT_CONTRACTS,
    *CLUSTERS,
    *NOTICES,
    *PEOPLE,
    *HEALTH,
    *PAGES,
    *PLANNING,
]
