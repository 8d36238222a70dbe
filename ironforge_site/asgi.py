"""The server's entry point: HTTP to Django behind the body limit, websockets to the live updates."""

from __future__ import annotations

import sys

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from ironforge_site import environment
from ironforge_site.body_limit import BodyLimit

environment.prepare(sys.argv)
_django = get_asgi_application()

# Only after Django is set up: consumers import its models.
from jobs.live.routing import websocket_application  # noqa: E402

application = ProtocolTypeRouter({"http": BodyLimit(_django), "websocket": websocket_application})
