"""A Celery application sends its tasks to IronForge: `broker_transport = "ironforge_client.celery:Transport"`.

Needs Celery 5, nothing of the server. docs/celery.md tells how tasks become jobs, and the limits.
"""

from __future__ import annotations

from ironforge_client.celery.channel import Channel
from ironforge_client.celery.message import Unsendable
from ironforge_client.celery.transport import Transport

__all__ = ["Channel", "Transport", "Unsendable"]
