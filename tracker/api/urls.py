"""/api/v1, and the root-path contracts. No trailing slash anywhere."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from tracker import health
from tracker.api import aliases, openapi  # noqa: F401
from tracker.api.accounts import AuditViewSet, Me, TokenViewSet
from tracker.api.base import ScopeOpens
from tracker.api.client_file import client_file
from tracker.api.clusters import ClusterViewSet, JobViewSet, NodeViewSet, PartitionViewSet
from tracker.api.compare import Compare
from tracker.api.experiments import ExperimentViewSet
from tracker.api.exports import RunExport
from tracker.api.files import RunFileContent, RunFiles
from tracker.api.groups import GroupMember, GroupMembers, GroupViewSet
from tracker.api.logs import RunLog, RunLogSearch
from tracker.api.notices import NoticesReadView, NoticesView
from tracker.api.polls import ClusterPolls
from tracker.api.run_metrics import RunMetrics, append_metrics
from tracker.api.run_usage import RunUsage
from tracker.api.runs import ExperimentRuns, RunArtifacts, RunsBulk, RunViewSet
from tracker.api.starting import (
    ExperimentAdopt,
    ExperimentStart,
    RunCancel,
    RunDecide,
    RunsCancelMine,
    RunStartAgain,
)

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("experiments", ExperimentViewSet)
router.register("runs", RunViewSet)
router.register("clusters", ClusterViewSet)
router.register("partitions", PartitionViewSet)
router.register("nodes", NodeViewSet)
router.register("jobs", JobViewSet)
router.register("groups", GroupViewSet, basename="group")
router.register("tokens", TokenViewSet)
router.register("audit", AuditViewSet)

v1 = [
    path("experiments/<int:experiment_id>/runs", ExperimentRuns.as_view()),
    path("runs/<str:run_id>/metrics", RunMetrics.as_view()),
    path("runs/<str:run_id>/artifacts", RunArtifacts.as_view()),
    path("experiments/<int:experiment_id>/start", ExperimentStart.as_view()),
    path("experiments/<int:experiment_id>/adopt", ExperimentAdopt.as_view()),
    path("runs/bulk", RunsBulk.as_view()),
    path("runs/cancel-mine", RunsCancelMine.as_view()),
    path("runs/<str:run_id>/cancel", RunCancel.as_view()),
    path("runs/<str:run_id>/rerun", RunStartAgain.as_view()),
    path("runs/<str:run_id>/decide", RunDecide.as_view()),
    path("runs/<str:run_id>/log", RunLog.as_view()),
    path("runs/<str:run_id>/log/search", RunLogSearch.as_view()),
    path("runs/export", RunExport.as_view(), name="run-export"),
    path("runs/<str:run_id>/files", RunFiles.as_view()),
    path("runs/<str:run_id>/files/content", RunFileContent.as_view()),
    path("clusters/<int:cluster_id>/polls", ClusterPolls.as_view()),
    path("groups/<int:group_id>/members", GroupMembers.as_view()),
    path("groups/<int:group_id>/members/<str:username>", GroupMember.as_view()),
    path("compare", Compare.as_view(), name="compare-curves"),
    path("runs/<str:run_id>/usage", RunUsage.as_view()),
    path("notices", NoticesView.as_view()),
    path("notices/read", NoticesReadView.as_view()),
    path("me", Me.as_view()),
    path("schema", SpectacularAPIView.as_view(permission_classes=[ScopeOpens]), name="schema"),
    *router.urls,
]

urlpatterns = [
    path("experiments/<str:experiment_id>/runs", aliases.create_run),
    path("runs/<str:run_id>/metrics", append_metrics),
    path("webhooks/slurm", aliases.slurm_webhook),
    path("api/v1/", include(v1)),
    path("client/queuecast.py", client_file),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
]
