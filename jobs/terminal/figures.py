"""Numbers, times and sizes in few columns."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_MIB = 1_048_576


def number(value: float) -> str:
    """Return a whole number with a space between thousands, `12 345`."""
    return f"{value:,.0f}".replace(",", " ")


def rate(per_s: float) -> str:
    """Return a rate with a decimal while it is small."""
    return f"{per_s:.1f}" if 0 < per_s < 10 else number(per_s)


def age(milliseconds: float) -> str:
    """Return how long something lasts, in its largest whole unit: `4 s`, `12 min`, `3 h`, `2 d`."""
    seconds = max(0, int(milliseconds // 1000))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def size(size_bytes: int) -> str:
    """Return a size in MiB, or in GiB from ten of them on."""
    mib = size_bytes / _MIB
    return f"{mib / 1024:.1f} GiB" if mib >= 10_240 else f"{mib:.0f} MiB"


def sparkline(values: Sequence[int], width: int) -> str:
    """Return the last `width` values as bars, the highest one full; nothing at all is the lowest bar."""
    shown = list(values[-width:]) if width > 0 else []
    top = max(shown, default=0)
    if not top:
        return _BARS[0] * len(shown)
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // top)] for value in shown)
