"""The addresses of this face."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from jobs.dashboard import (
    audit,
    dead_letters,
    deliveries,
    endpoints,
    job,
    jobs,
    login,
    namespaces,
    not_found,
    overview,
    queues,
    webhooks,
    workers,
)

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.show, name="overview"),
    path("login", login.sign_in, name="login"),
    path("logout", login.sign_out, name="logout"),
    path("namespace", login.choose_namespace, name="namespace"),
    path("find", jobs.find, name="find"),
    path("jobs", jobs.show, name="jobs"),
    path("jobs/<str:job_id>", job.show, name="job"),
    path("jobs/<str:job_id>/cancel", job.cancel, name="job_cancel"),
    path("jobs/<str:job_id>/retry", job.retry, name="job_retry"),
    path("jobs/<str:job_id>/discard", job.discard, name="job_discard"),
    path("jobs/<str:job_id>/run-now", job.run_now, name="job_run_now"),
    path("dead-letters", dead_letters.show, name="dead_letters"),
    path("dead-letters/selected", dead_letters.act_on_selected, name="dead_letters_selected"),
    path("dead-letters/group", dead_letters.act_on_group, name="dead_letters_group"),
    path("queues", queues.show, name="queues"),
    path("queues/<str:name>/pause", queues.pause, name="queue_pause"),
    path("queues/<str:name>/resume", queues.resume, name="queue_resume"),
    path("queues/<str:name>/purge", queues.purge, name="queue_purge"),
    path("workers", workers.show, name="workers"),
    path("workers/<str:worker_id>/quiet", workers.quiet, name="worker_quiet"),
    path("workers/<str:worker_id>/resume", workers.resume, name="worker_resume"),
    path("workers/<str:worker_id>/terminate", workers.terminate, name="worker_terminate"),
    path("webhooks", webhooks.show, name="webhooks"),
    path("webhooks/set", webhooks.set_webhook, name="webhook_set"),
    path("webhooks/rotate", webhooks.rotate_webhook, name="webhook_rotate"),
    path("webhooks/remove", webhooks.remove_webhook, name="webhook_remove"),
    path("webhooks/endpoints", endpoints.bind, name="endpoint_bind"),
    path("webhooks/endpoints/<str:kind>/test", endpoints.test, name="endpoint_test"),
    path("webhooks/endpoints/<str:kind>/rotate", endpoints.rotate, name="endpoint_rotate"),
    path("webhooks/endpoints/<str:kind>/unbind", endpoints.unbind, name="endpoint_unbind"),
    path("webhooks/deliveries/<str:delivery_id>/resend", deliveries.resend, name="delivery_resend"),
    path("namespaces", namespaces.show_all, name="namespaces"),
    path("namespaces/create", namespaces.create, name="namespace_create"),
    path("namespaces/<str:namespace>", namespaces.show, name="namespace_one"),
    path("namespaces/<str:namespace>/rules", namespaces.set_rules, name="namespace_rules"),
    path("namespaces/<str:namespace>/delete", namespaces.delete, name="namespace_delete"),
    path("namespaces/<str:namespace>/keys", namespaces.create_key, name="namespace_key_create"),
    path("namespaces/<str:namespace>/keys/<str:prefix>/revoke", namespaces.revoke_key, name="namespace_key_revoke"),
    path("namespaces/<str:namespace>/members", namespaces.set_member, name="namespace_member_set"),
    path("namespaces/<str:namespace>/members/remove", namespaces.remove_member, name="namespace_member_remove"),
    path("audit", audit.show, name="audit"),
    path("<path:rest>", not_found.show),
]
