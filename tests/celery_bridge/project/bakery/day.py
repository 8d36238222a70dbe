"""A program that sends tasks and prints what became of them, whoever runs them."""

from __future__ import annotations

import json
from datetime import datetime

from celery import chain, chord, group

from bakery import tasks


def main():
    sent = {
        "delay": tasks.bake.delay("rye", loaves=2),
        "types": tasks.bake.delay("oat", ready_at=datetime(2026, 1, 2, 6, 30)),  # noqa: DTZ001 (as programs write it)
        "countdown": tasks.bake.apply_async(["spelt"], countdown=0.5, priority=9),
        "queue": tasks.add.apply_async((20, 22), queue="Shop"),
        "chain": chain(tasks.add.s(1, 2), tasks.add.s(3), tasks.add.s(4)).apply_async(),
        "group": group(tasks.add.s(1, 1), tasks.add.s(2, 2)).apply_async(),
        "chord": chord([tasks.add.s(1, 1), tasks.add.s(2, 2)])(tasks.total.s()),
        "link": tasks.add.apply_async((5, 5), link=tasks.add.s(5)),
        "retry": tasks.knead.apply_async((2,), task_id="knead-1"),
        "changed arguments": tasks.divide.delay(4),
        "autoretry": tasks.deliver.delay("High Street"),
        "max retries": tasks.wait_for_oven.delay(),
        "failure": tasks.burn.apply_async(link_error=tasks.mourn.s()),
        "replace": tasks.replace.delay("wheat"),
    }
    answers = {}
    for name, result in sent.items():
        value = result.get(timeout=30, interval=0.05, propagate=False)
        answers[name] = f"{type(value).__name__}: {value}" if isinstance(value, Exception) else value
    answers["linked"] = sent["link"].children[0].get(timeout=30, interval=0.05)
    ids = {name: result.id for name, result in sent.items()}
    print(json.dumps({"answers": answers, "ids": ids}))


if __name__ == "__main__":
    main()
