"""What the person at the terminal looks at and has asked for, and what each key does to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.domain.worker import WorkerOrder
from jobs.terminal.reading import Reading


class Panel(StrEnum):
    """The tables in which something can be selected."""

    QUEUES = "queues"
    WORKERS = "workers"


class Deed(StrEnum):
    """What can be done from here."""

    PAUSE = "pause"
    RESUME = "resume"
    QUIET = "quiet"
    WAKE = "resume worker"


ORDER_OF = {Deed.QUIET: WorkerOrder.QUIET, Deed.WAKE: WorkerOrder.RUN}


@dataclass(frozen=True, slots=True)
class Wish:
    """A deed and the queue or the worker that it is for."""

    deed: Deed
    target: str

    @property
    def question(self) -> str:
        """Return what the person is asked before it is done."""
        noun = "queue" if self.deed in (Deed.PAUSE, Deed.RESUME) else "worker"
        verb = Deed.RESUME if self.deed is Deed.WAKE else self.deed
        return f"{verb.value.capitalize()} {noun} {self.target}?"


@dataclass(slots=True)
class View:
    """The state of the screen. `trouble` says why the reading is old; empty when it is not."""

    namespace: str
    reading: Reading | None = None
    trouble: str = ""
    notice: str = ""
    panel: Panel = Panel.QUEUES
    is_helping: bool = False
    is_over: bool = False
    wish: Wish | None = None
    _selected: dict[Panel, str] = field(default_factory=dict)

    def names(self, panel: Panel) -> list[str]:
        """Return what can be selected in a panel, in its order."""
        if self.reading is None:
            return []
        rows: Sequence[str] = (
            [queue.name for queue in self.reading.queues]
            if panel is Panel.QUEUES
            else [worker.id for worker in self.reading.workers]
        )
        return list(rows)

    def place(self, panel: Panel) -> int:
        """Return the number of the selected row; the first where the selected one is gone."""
        names = self.names(panel)
        chosen = self._selected.get(panel)
        return names.index(chosen) if chosen in names else 0

    def press(self, key: str) -> Wish | None:
        """Take a key in; return what is to be done now, after its question was answered with y."""
        self.notice = ""
        if key == "q":
            self.is_over = True
        elif self.wish is not None:
            wish, self.wish = self.wish, None
            self.notice = "" if key == "y" else "Nothing was done."
            return wish if key == "y" else None
        elif self.is_helping or key == "?":
            self.is_helping = not self.is_helping
        elif key in ("tab", "left", "right"):
            self.panel = Panel.WORKERS if self.panel is Panel.QUEUES else Panel.QUEUES
        elif key in ("up", "down"):
            self._move(-1 if key == "up" else 1)
        else:
            self._ask(key)
        return None

    def _move(self, step: int) -> None:
        names = self.names(self.panel)
        if names:
            place = min(max(self.place(self.panel) + step, 0), len(names) - 1)
            self._selected[self.panel] = names[place]

    def _ask(self, key: str) -> None:
        panel = Panel.QUEUES if key == "p" else Panel.WORKERS
        if key not in ("p", "t", "z") or self.reading is None:
            return
        names = self.names(panel)
        if not names:
            self.notice = f"There are no {panel.value}."
            return
        self.panel = panel
        place = self.place(panel)
        # What was asked about stays selected, whatever comes before it meanwhile.
        self._selected[panel] = names[place]
        if panel is Panel.QUEUES:
            deed = Deed.PAUSE if self.reading.queues[place].pause is None else Deed.RESUME
        else:
            deed = Deed.QUIET if key == "t" else Deed.WAKE
        self.wish = Wish(deed, names[place])
