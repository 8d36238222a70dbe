"""The files of the console: no inline script or style, small, each with its variables named; libraries as they came."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.processes.running import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
OWN_FILES = sorted(path for kind in ("css", "js", "api") for path in (ROOT / "static" / kind).rglob("*.*"))
VENDOR = ROOT / "static" / "vendor"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_is_small_names_its_variables_and_holds_no_inline_code(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 80
    assert "{% comment %}" in text[:120]
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:|\|\s*safe\b|autoescape off|hx-on", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


@pytest.mark.parametrize("path", OWN_FILES, ids=name_of)
def test_a_style_sheet_or_module_is_small_and_fetches_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert not re.search(r"https?://(?!www\.w3\.org)", text)


def test_every_library_has_its_licence_and_a_line_that_says_where_it_is_from() -> None:
    told = (VENDOR / "README.md").read_text()
    for folder in (path for path in VENDOR.iterdir() if path.is_dir()):
        assert (folder / "LICENSE").is_file()
        assert f"`{folder.name}`" in told


def test_the_compressed_copy_of_a_library_is_the_library() -> None:
    copies = {
        path: path.with_name(path.name + ".gz")
        for path in VENDOR.rglob("*.*")
        if path.suffix in (".css", ".js", ".svg")
    }
    assert copies
    assert [str(path) for path, copy in copies.items() if gzip.decompress(copy.read_bytes()) != path.read_bytes()] == []
