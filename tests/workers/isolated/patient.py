"""Those of the kinds `iso.*` that wait for something, however long it takes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from workers import Context, handler


@handler("iso.meet", isolation="process")
def meet(context: Context, payload: Any) -> int:
    """Wait until so many are in a folder at the same time, and return the id of the process."""
    folder, number = Path(payload[0]), payload[1]
    (folder / context.job_id).touch()
    while len(list(folder.iterdir())) < number:
        time.sleep(0.01)
    return os.getpid()


@handler("iso.held")
def held_up(context: Context, payload: Any) -> None:
    """Stay in a thread of the worker until there is a file, whatever is asked."""
    while not Path(payload).exists():
        time.sleep(0.01)
