"""Places of claims that wait: how many may, and for how many queues. One namespace leaves room for all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from jobs.domain.errors import BackendUnavailable, TooManyAttempts

# Of one server process; each costs it some memory and a connection of its client's.
MAX_POLLS: Final = 4_000
MAX_POLLS_EACH: Final = 2_000
# Names of queues that the polls of a namespace wait for: the store is asked about each once a second. There are no more
# queues than that.
MAX_NAMES_EACH: Final = 1_024
_RETRY_AFTER_S: Final = 5


class PollPlaces:
    """Counts the polls of one event loop, and what they wait for."""

    def __init__(self) -> None:
        self._number: Counter[str] = Counter()
        self._names: dict[str, Counter[str]] = {}

    def enter(self, namespace: str) -> PollPlace:
        """Take a place. Raises BackendUnavailable `overloaded`.

        Nobody takes more than is left for all others: one namespace has half, two have a third each, and one that comes
        later always finds room.
        """
        left = MAX_POLLS - self._number.total()
        if self._number[namespace] >= min(MAX_POLLS_EACH, left):
            raise BackendUnavailable("Too many claims wait here.", code="overloaded")
        self._number[namespace] += 1
        return PollPlace(self, namespace)

    def leave(self, namespace: str) -> None:
        """Give a place back."""
        _take_off(self._number, (namespace,))

    def add_names(self, namespace: str, queues: Iterable[str]) -> None:
        """Let a poll wait for these queues. Raises TooManyAttempts `too_many_names`."""
        waited_for = self._names.get(namespace, Counter())
        if len(waited_for.keys() | set(queues)) > MAX_NAMES_EACH:
            detail = f"The claims that wait here name more than {MAX_NAMES_EACH} queues of the namespace already."
            raise TooManyAttempts(detail, code="too_many_names", retry_after_s=_RETRY_AFTER_S)
        waited_for.update(queues)
        self._names[namespace] = waited_for

    def remove_names(self, namespace: str, queues: Iterable[str]) -> None:
        """Let it wait for them no more."""
        _take_off(self._names[namespace], queues)
        if not self._names[namespace]:
            del self._names[namespace]


class PollPlace:
    """The place of one poll."""

    __slots__ = ("_namespace", "_places", "_queues")

    def __init__(self, places: PollPlaces, namespace: str) -> None:
        self._places = places
        self._namespace = namespace
        self._queues: frozenset[str] = frozenset()

    def wait_for(self, queues: Iterable[str]) -> None:
        """Count these queues, once. Raises TooManyAttempts `too_many_names`."""
        if not self._queues:
            wanted = frozenset(queues)
            self._places.add_names(self._namespace, wanted)
            self._queues = wanted

    def leave(self) -> None:
        """Give back whatever was taken."""
        self._places.leave(self._namespace)
        if self._queues:
            self._places.remove_names(self._namespace, self._queues)


def _take_off(counter: Counter[str], names: Iterable[str]) -> None:
    for name in names:
        counter[name] -= 1
        if counter[name] <= 0:
            del counter[name]
