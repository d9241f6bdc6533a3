"""The custodians' API, version 1: `/api/custodian/v1/`."""

from __future__ import annotations

from django.urls import include, path, re_path

from trading.api.views import batches, meta, orders
from trading.api.views.base import NothingHere

firm = [
    path("batches", batches.Batches.as_view()),
    path("batches/<str:batch_id>", batches.Batch.as_view()),
    path("orders", orders.Orders.as_view()),
    path("orders:claim", orders.Claim.as_view()),
    path("orders/<str:order_id>", orders.Order.as_view()),
    path("orders/<str:order_id>/ack", orders.Acknowledge.as_view()),
    path("orders/<str:order_id>/reject", orders.Reject.as_view()),
    path("orders/<str:order_id>/events", orders.Events.as_view()),
    path("executions", orders.Executions.as_view()),
]

urlpatterns = [
    path("openapi.json", meta.Description.as_view()),
    path("health", meta.Health.as_view()),
    path("firms/<slug:firm_slug>/", include(firm)),
    re_path(r"", NothingHere.as_view()),
]
