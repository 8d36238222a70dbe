"""Tables for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings; the first column is names, the others are numbers."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Return it with aligned columns."""
        lines = [self.headings, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.headings))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def markdown(self) -> str:
        """Return it as a Markdown table."""
        rule = ["---", *["---:"] * (len(self.headings) - 1)]
        return "\n".join("| " + " | ".join(line) + " |" for line in [self.headings, rule, *self.rows])


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number for people: a space between thousands, a dash for none."""
    if value is None:
        return NOTHING
    return f"{value:,.{decimals}f}".replace(",", " ")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table. Raises ValueError when a row has another width than the headings."""
    if any(len(row) != len(headings) for row in rows):
        raise ValueError("a row has another width than the headings")
    return Table(tuple(headings), tuple(tuple(row) for row in rows))
