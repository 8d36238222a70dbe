"""`/system`: the installation, for its administrators."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.query import refuse_parameters
from jobs.api.system_shapes import system_shape
from jobs.api.view import ApiView
from jobs.services.system import look_at_system


class SystemView(ApiView):
    """The whole."""

    def get(self, request: Request) -> Response:
        """Look at store, checks, settings and versions; answers without the store, too."""
        refuse_parameters(request)
        return Response(system_shape(look_at_system(self.actor)))
