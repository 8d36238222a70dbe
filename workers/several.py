"""Several worker processes, or one that is replaced now and then: what their parent does. Others need none of this."""

from __future__ import annotations

from collections.abc import Callable

from workers.death import Death
from workers.following import Following
from workers.options import WorkerOptions
from workers.prefork import ChildMain, Prefork
from workers.process import worker_id
from workers.undertaker import bury


def run_several(options: WorkerOptions, main: ChildMain) -> int:
    """Fork the processes, each of which runs `main`, and stay until they are asked to stop and have ended.

    Return the exit status.
    """
    served = Following() if options.is_all else options.namespaces
    return Prefork(main, options.processes, options.grace_s, _bury, served).run()


def _bury(namespace: str, death: Death, mark: str, leave: Callable[[], None]) -> None:
    bury(death, namespace, worker_id(death.pid, mark), leave)
