"""The addresses of the whole site: the API at the root and under `/api/v1/`, the console under `/console/`."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="console:overview"), name="root"),
    path("console/", include("jobs.dashboard.urls")),
    path("", include("jobs.api.urls")),
    path("api/v1/", include(("jobs.api.urls", "ironforge_v1"), namespace="v1")),
]

handler400 = "ironforge_site.error_pages.bad_request"
handler403 = "ironforge_site.error_pages.permission_denied"
handler404 = "ironforge_site.error_pages.page_not_found"
handler500 = "ironforge_site.error_pages.server_error"
