"""The program's tasks."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django_tasks import task

from jobs.integrations.queue import enqueue


@task(max_retries=1)
def greet(user_id: int) -> str:
    """Greet somebody who must be in the database, and enqueue a job from within a worker."""
    user = get_user_model().objects.get(pk=user_id)
    enqueue("demo.echo", f"greeted {user.username}", idempotency_key=f"greeted:{user_id}")
    return f"Hello {user.username}"
