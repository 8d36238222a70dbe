"""Several worker processes, or one that is replaced now and then: what their parent does. Others need none of this."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from workers.death import Death
from workers.options import WorkerOptions
from workers.prefork import ChildMain, Prefork
from workers.process import worker_id
from workers.undertaker import bury


def run_several(options: WorkerOptions, main: ChildMain) -> int:
    """Fork the processes, each of which runs `main`, and stay until they are asked to stop and have ended.

    Return the exit status.
    """
    return Prefork(main, options.processes, options.grace_s, partial(_bury, options)).run()


def _bury(options: WorkerOptions, death: Death, mark: str, leave: Callable[[], None]) -> None:
    names = None if options.is_all else options.namespaces or (options.namespace,)
    bury(death, names, worker_id(death.pid, mark), leave)
