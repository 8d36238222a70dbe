"""Exports: every column is there in both forms, and no cell is a formula."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.job_column import COLUMNS, CONTENT, DEFAULT_COLUMNS, csv_row


def test_payloads_and_results_are_columns_only_if_somebody_asks() -> None:
    assert set(COLUMNS) - set(DEFAULT_COLUMNS) == CONTENT


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", "＝1", '=HYPERLINK("x")'])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert next(csv.reader(io.StringIO(csv_row([cell, "a"]).decode(), newline=""))) == [f"'{cell}", "a"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=4))
def test_a_row_is_read_back_as_it_was(cells: list[str]) -> None:
    read = next(csv.reader(io.StringIO(csv_row(cells).decode(), newline="")))
    assert [cell.removeprefix("'") for cell in read] == [cell.removeprefix("'") for cell in cells]
    assert msgspec.json.encode(read)
