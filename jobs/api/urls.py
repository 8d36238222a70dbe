"""The addresses of this face."""

from __future__ import annotations

from django.urls import URLPattern

from jobs.api.routes import ROUTES

urlpatterns: list[URLPattern] = [route.url() for route in ROUTES]
