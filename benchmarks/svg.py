"""Bar charts as SVG, legible on light and dark pages: the panel brings its own background for either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from benchmarks.table import number

_WIDTH: Final = 760
_LABELS: Final = 232
_VALUES: Final = 84
_ROW: Final = 30
_BAR: Final = 18
_TOP: Final = 62
_STYLE: Final = """\
.panel{fill:#ffffff;stroke:#d0d7de}.title{fill:#1f2328;font-weight:600;font-size:15px}
.note{fill:#59636e;font-size:12px}.name,.value{fill:#1f2328;font-size:13px}
.ours{fill:#c2410c}.peer{fill:#818b98}.axis{stroke:#d0d7de}
text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif}
@media (prefers-color-scheme:dark){.panel{fill:#161b22;stroke:#30363d}.title,.name,.value{fill:#e6edf3}
.note{fill:#9198a1}.ours{fill:#fb923c}.peer{fill:#6e7681}.axis{stroke:#30363d}}"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One value; `is_ours` gives it the accent."""

    name: str
    value: float
    is_ours: bool


def bar_chart(title: str, unit: str, bars: Sequence[Bar], *, decimals: int = 0, less_is_better: bool = False) -> str:
    """Return a chart of horizontal bars from zero, the best first. Raises ValueError without bars."""
    if not bars:
        raise ValueError("a chart needs bars")
    ordered = sorted(bars, key=lambda bar: bar.value, reverse=not less_is_better)
    height = _TOP + _ROW * len(bars) + 14
    largest = max(bar.value for bar in bars) or 1.0
    note = f"{unit}; {'less' if less_is_better else 'more'} is better"
    told = "; ".join(f"{bar.name} {number(bar.value, decimals)}" for bar in ordered)
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="t d">',
        f'<title id="t">{escape(title)}</title><desc id="d">{escape(f"{note}. {told}")}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="panel" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="20" y="28">{escape(title)}</text>',
        f'<text class="note" x="20" y="47">{escape(note)}</text>',
        f'<line class="axis" x1="{_LABELS}" y1="{_TOP - 6}" x2="{_LABELS}" y2="{height - 10}"/>',
    ]
    for index, bar in enumerate(ordered):
        lines += _row(bar, _TOP + index * _ROW, largest, decimals)
    return "\n".join([*lines, "</svg>", ""])


def _row(bar: Bar, top: int, largest: float, decimals: int) -> list[str]:
    room = _WIDTH - _LABELS - _VALUES
    length = max(1.0, room * bar.value / largest)
    middle = top + _BAR / 2 + 4.5
    look = "ours" if bar.is_ours else "peer"
    return [
        f'<text class="name" x="{_LABELS - 10}" y="{middle}" text-anchor="end">{escape(bar.name)}</text>',
        f'<rect class="{look}" x="{_LABELS}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="2"/>',
        f'<text class="value" x="{_LABELS + length + 8:.1f}" y="{middle}">{number(bar.value, decimals)}</text>',
    ]
