"""Addresses of the planner's pages and of its part of the API."""

from django.urls import URLPattern, path

from planner.api.accuracy import AccuracyView
from planner.api.plan import PlanView, QuestionView
from planner.api.watches import WatchesView, WatchView
from planner.views import accuracy, act, plan, schedule, selfcheck, watches

urlpatterns: list[URLPattern] = [
    path("plan", plan.plan, name="plan"),
    path("plan/script", plan.plan_script, name="plan-script"),
    path("plan/questions/<int:pk>", plan.plan_answer, name="plan-answer"),
    path("plan/<str:name>/queue", plan.plan_queue, name="plan-queue"),
    path("plan/<str:name>/accuracy", accuracy.line, name="plan-accuracy"),
    path("clusters/<str:name>/plan/schedule", schedule.plan_schedule, name="plan-schedule"),
    path("accuracy", accuracy.accuracy, name="accuracy"),
    path("clusters/<str:name>/self-check", selfcheck.selfcheck, name="self-check"),
    path("plan/questions/<int:pk>/options/<int:number>/start", act.option_start, name="plan-start"),
    path("runs/<str:pk>/promised", act.run_promised, name="run-promised"),
    path("watches", watches.watches, name="watches"),
    path("watches/<int:pk>/cancel", watches.watch_cancel, name="watch-cancel"),
    path("api/v1/accuracy", AccuracyView.as_view(), name="api-accuracy"),
    path("api/v1/plan", PlanView.as_view(), name="api-plan"),
    path("api/v1/plan/<int:pk>", QuestionView.as_view(), name="plan-question"),
    path("api/v1/watches", WatchesView.as_view(), name="api-watches"),
    path("api/v1/watches/<int:pk>", WatchView.as_view(), name="api-watch"),
]
