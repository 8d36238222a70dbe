"""The transport that Celery loads by its name: where IronForge is, and which errors may pass by themselves."""

from __future__ import annotations

from typing import Any

from kombu.transport import virtual

from ironforge_client import environment, version
from ironforge_client.celery.channel import Channel
from ironforge_client.client import Client
from ironforge_client.connection import Place
from ironforge_client.errors import ConnectionFailed, TooManyRequests, Unavailable

_MAY_PASS = (ConnectionFailed, Unavailable, TooManyRequests)


class Transport(virtual.Transport):
    """Goes to `broker_url` if that is an http(s) address, else to `IRONFORGE_URL`; with the key `IRONFORGE_API_KEY`.

    Celery repeats after errors that may pass, as `task_publish_retry_policy` says, and then raises its
    OperationalError. A repeat makes no second job.
    """

    Channel = Channel

    driver_type = "ironforge"
    driver_name = "ironforge"
    can_parse_url = True
    connection_errors = _MAY_PASS
    channel_errors = ()
    recoverable_connection_errors = _MAY_PASS
    recoverable_channel_errors = ()

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        place = environment.place()
        address = str(client.hostname or "")
        if address.startswith(("http://", "https://")):
            place = Place(address, place.api_key)
        self._place = place
        self._http: Client | None = None

    @property
    def http(self) -> Client:
        """Return the client of this connection, made when it is first needed."""
        if self._http is None:
            # Celery's policy repeats, so the client does not.
            self._http = Client(self._place.base_url, self._place.api_key, retries=0)
        return self._http

    def close_connection(self, connection: Any) -> None:
        """Close the channels and the HTTP connections."""
        super().close_connection(connection)
        if self._http is not None:
            self._http.close()
            self._http = None

    def driver_version(self) -> str:
        """Return the version of the SDK."""
        return version.__version__
