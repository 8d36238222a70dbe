"""What the bakery does, one task for each way in which a task can go."""

from __future__ import annotations

import time

from celery import shared_task
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded


@shared_task
def bake(flour, loaves=1, ready_at=None):
    return f"{loaves} {flour} at {ready_at:%H:%M}" if ready_at else f"{loaves} {flour}"


@shared_task
def add(left, right):
    return left + right


@shared_task
def total(numbers):
    return sum(numbers)


@shared_task(bind=True, default_retry_delay=60)
def knead(self, times):
    if self.request.retries < times:
        raise self.retry(exc=ValueError("too firm"), countdown=0.2)
    return [self.request.id, self.request.retries, self.request.delivery_info["routing_key"]]


@shared_task(bind=True)
def divide(self, pieces):
    if pieces > 1:
        raise self.retry(args=[pieces // 2], countdown=0)
    return [pieces, self.request.retries]


@shared_task(autoretry_for=(ConnectionError,), retry_kwargs={"max_retries": 2, "countdown": 0.1})
def deliver(street):
    raise ConnectionError(f"{street} is closed")


@shared_task(bind=True, max_retries=1)
def wait_for_oven(self):
    self.retry(countdown=0)


@shared_task(bind=True)
def order_again(self):
    if self.request.retries == 0:
        self.retry(countdown=0, throw=False)
        return "ordered"
    return "ordered again"


@shared_task(name="bakery.Burn")
def burn():
    raise ValueError("it burns")


@shared_task
def refuse():
    raise Reject("no flour", requeue=False)


@shared_task
def ignore():
    raise Ignore


@shared_task(bind=True)
def replace(self, flour):
    return self.replace(bake.s(flour, 7))


@shared_task(ignore_result=True)
def mourn(task_id):
    return task_id


@shared_task(soft_time_limit=0.3, time_limit=20)
def proof():
    try:
        time.sleep(15)
    except SoftTimeLimitExceeded:
        return "taken out in time"


@shared_task(time_limit=0.3)
def rest():
    time.sleep(15)
