"""Addresses of the planner's pages and of its part of the API."""

from django.urls import URLPattern, path

from planner import api, views

urlpatterns: list[URLPattern] = [
    path("plan", views.plan, name="plan"),
    path("plan/questions/<int:pk>", views.plan_answer, name="plan-answer"),
    path("plan/<str:name>/queue", views.plan_queue, name="plan-queue"),
    path("api/v1/plan", api.PlanView.as_view(), name="api-plan"),
    path("api/v1/plan/<int:pk>", api.QuestionView.as_view(), name="plan-question"),
]
