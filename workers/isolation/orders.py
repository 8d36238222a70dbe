"""What passes between a worker and the process that forks its children: records of a fixed size."""

from __future__ import annotations

import struct
from enum import IntEnum

# Verb, row, signal. With FORK comes the child's end of its line.
ORDER = struct.Struct("!BHB")
# Verb, row, pid, status as `subprocess` has it or an errno, memory at its most (KiB).
NEWS = struct.Struct("!BHiiQ")


class Order(IntEnum):
    """What a worker asks for."""

    FORK = 1
    SIGNAL = 2


class News(IntEnum):
    """What it is told."""

    STARTED = 1
    ENDED = 2
    REFUSED = 3
