"""The server's entry point: HTTP to the data plane and behind it to Django, websockets to the live updates."""

from __future__ import annotations

import sys

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from ironforge_site import environment
from ironforge_site.base_path import BasePath, WholePath
from ironforge_site.body_limit import BodyLimit

environment.prepare(sys.argv)
_django = get_asgi_application()

# Only after Django is set up: consumers and keys are models of its.
from jobs.conf import conf  # noqa: E402
from jobs.gateway.application import Gateway  # noqa: E402
from jobs.live.routing import websocket_application  # noqa: E402
from jobs.telemetry import tracing  # noqa: E402

tracing.tracer()  # not while the first request waits

control_plane = BodyLimit(WholePath(_django))
data_plane = Gateway(control_plane)
_root = ProtocolTypeRouter(
    {"http": data_plane if conf().has_gateway else control_plane, "websocket": websocket_application}
)
application = BasePath(_root, conf().base_path) if conf().base_path else _root
