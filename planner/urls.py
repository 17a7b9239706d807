"""Addresses of the planner's pages and of its part of the API."""

from django.urls import URLPattern, path

from planner.api.accuracy import AccuracyView
from planner.api.plan import PlanView, QuestionView
from planner.views import accuracy, plan, selfcheck

urlpatterns: list[URLPattern] = [
    path("plan", plan.plan, name="plan"),
    path("plan/questions/<int:pk>", plan.plan_answer, name="plan-answer"),
    path("plan/<str:name>/queue", plan.plan_queue, name="plan-queue"),
    path("plan/<str:name>/accuracy", accuracy.line, name="plan-accuracy"),
    path("accuracy", accuracy.accuracy, name="accuracy"),
    path("clusters/<str:name>/self-check", selfcheck.selfcheck, name="self-check"),
    path("api/v1/accuracy", AccuracyView.as_view(), name="api-accuracy"),
    path("api/v1/plan", PlanView.as_view(), name="api-plan"),
    path("api/v1/plan/<int:pk>", QuestionView.as_view(), name="plan-question"),
]
