"""The application, as `celery -A bakery` finds it."""

from celery import Celery

app = Celery("bakery")
app.config_from_object("celeryconfig")
app.autodiscover_tasks(["bakery"])
