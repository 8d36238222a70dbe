"""The addresses of this face."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from jobs.dashboard import audit, dead_letters, job, jobs, login, not_found, overview, queues, workers

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
    path("audit", audit.show, name="audit"),
    path("<path:rest>", not_found.show),
]
