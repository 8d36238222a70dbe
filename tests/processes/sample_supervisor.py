"""A supervisor over sample children: `python -m tests.processes.sample_supervisor <folder> <grace_s> name:manner …`.

Each name is a stage of its own, in the order in which they stop.
"""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path

from jobs.domain.errors import IronForgeError
from jobs.processes.child import ChildSpec
from jobs.processes.output import Output, OutputHandler
from jobs.processes.stop_signals import StopSignals
from jobs.processes.store_keeper import StoreKeeper
from jobs.processes.supervisor import StartFailed, Supervisor

CHILD = "tests.processes.sample_child"


class Store:
    """Notes what is asked of it; each life ends when the file `store-dies` appears."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lives = 0

    def start(self, cancelled: threading.Event | None = None) -> None:
        """Live."""
        self._lives += 1
        self._note(f"store life {self._lives}")

    def poll(self) -> IronForgeError | None:
        """Look for the file."""
        return StoreGone("gone") if (self._folder / "store-dies").exists() else None

    def restart(self, cancelled: threading.Event | None = None) -> None:
        """Live again, at the second try."""
        if self._lives == 1:
            self._lives += 1
            raise StoreGone("not yet")
        (self._folder / "store-dies").unlink()
        self.start()

    def stop(self) -> None:
        """Write the diary's last line."""
        self._note("store stopped")

    def _note(self, text: str) -> None:
        with (self._folder / "diary").open("a") as diary:
            diary.write(text + "\n")


class StoreGone(IronForgeError):
    """The store ended."""

    code = "store_exited"


def main(folder: Path, grace_s: float, names: list[str]) -> int:
    """Supervise until a signal; 1 if a child cannot start."""
    output = Output(sys.stdout, for_people=False, colour=False)
    logging.root.handlers[:] = [OutputHandler(output)]
    logging.root.setLevel(logging.INFO)
    signals = StopSignals()
    signals.install()
    stages = [
        [ChildSpec(name, (sys.executable, "-m", CHILD, name, str(folder), manner), {"SAMPLE": "a b=c"}, "child.ready")]
        for name, _, manner in (text.partition(":") for text in names)
    ]
    keeper = StoreKeeper(Store(folder), wake=signals.wake)
    keeper.start()
    supervisor = Supervisor(stages, output=output, signals=signals, say=lambda text: None, grace_s=grace_s)
    try:
        supervisor.run(on_ready=lambda: output.entry({"event": "all.ready"}))
    except StartFailed as failed:
        output.entry({"event": "start.failed", "message": str(failed)})
        return 1
    finally:
        keeper.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
