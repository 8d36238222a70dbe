"""The documents tell the truth: what they link to, name and promise is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from ironforge_site import environment
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.scripts import all_script_names, load_header
from jobs.domain.backoff import Backoff
from jobs.domain.validation import parse_job

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
STATES = ROOT / "docs" / "states.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
DECISIONS = ROOT / "docs" / "decisions"
NUMBERED = sorted(DECISIONS.glob("[0-9]*.md"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_MAKE = re.compile(r"^ *(?:\$ )?(?:\w+=\S+ )*make +([a-z][a-z-]*)", re.MULTILINE)
_MANAGE = re.compile(r"manage\.py +([a-z]\w*)")
_FOLDERS = "benchmarks|deploy|docs|examples|ironforge_client|ironforge_site|jobs|static|templates|tests|workers"
_PATH = re.compile(rf"(?:{_FOLDERS})/[\w./-]*")
_MACHINE_PATH = re.compile(r"(?<![\w.…>-])/(?:home|Users|root|work|tmp)/")
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def prose(text: str) -> str:
    """Return a document without its code blocks."""
    return _FENCE.sub("", text)


def code(text: str) -> str:
    """Return the code of a document, each piece on lines of its own."""
    return "\n".join([*_FENCE.findall(text), *_SPAN.findall(prose(text))])


def anchors(document: Path) -> set[str]:
    """Return the names of a document's headings, as the usual viewers of Markdown make them."""
    headings = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in _HEADING.findall(prose(document.read_text())))
    return {heading.strip().replace(" ", "-") for heading in headings}


def rows(text: str, header: str) -> list[list[str]]:
    """Return the cells of the table under a header line, row by row."""
    lines = text.split(f"{header}\n", 1)[1].splitlines()[1:]
    table = lines[
        : next((number for number, line in enumerate(lines) if not line.lstrip().startswith("|")), len(lines))
    ]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table]


def requirements() -> set[str]:
    """Return the names of all packages that the requirement files ask for."""
    text = "".join(file.read_text() for file in sorted(ROOT.glob("requirements*.txt")))
    return set(re.findall(r"^([\w.-]+(?:\[\w+\])?)~=", text, re.MULTILINE))


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(prose(document.read_text())):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


@each_document
def test_commands_exist(document: Path) -> None:
    text = code(document.read_text())
    assert set(_MAKE.findall(text)) <= set(_TARGET.findall((ROOT / "Makefile").read_text()))
    assert set(_MANAGE.findall(text)) <= set(get_commands())


@each_document
def test_settings_exist(document: Path) -> None:
    known = environment.markdown() + (ROOT / "ironforge_client" / "environment.py").read_text()
    known += (ROOT / "Makefile").read_text() + (ROOT / ".ci" / "setup.sh").read_text()
    unknown = set(re.findall(r"\bIRONFORGE_[A-Z_]*[A-Z]\b", document.read_text())) - set(
        re.findall(r"\bIRONFORGE_[A-Z_]*[A-Z]\b", known)
    )
    assert not unknown


@each_document
def test_files_named_exist(document: Path) -> None:
    named = {span for span in _SPAN.findall(prose(document.read_text())) if _PATH.fullmatch(span)}
    assert not {path for path in named if not (ROOT / path).exists()}


@each_document
def test_no_path_of_somebodys_machine_is_named(document: Path) -> None:
    assert not _MACHINE_PATH.findall(document.read_text())


def test_the_readme_begins_with_the_two_commands() -> None:
    text = README.read_text()
    assert {"run", "test"} <= set(_MAKE.findall(code(text)))
    assert text.index("make run") < text.index("make test") < text.index("curl")


def test_the_examples_of_the_readme_are_valid_jobs() -> None:
    bodies = [json.loads(body) for body in re.findall(r"-d '(.+?)'", README.read_text(), re.DOTALL)]
    assert bodies[0] == {
        "kind": "email.send",
        "payload": {"to": "user@example.com", "template": "welcome"},
        "priority": "high",
        "max_retries": 3,
    }
    for body in bodies:
        parse_job(body, now_ms=0)


def test_the_readme_and_the_states_promise_the_same() -> None:
    published = [row[0] for row in rows(README.read_text(), "| Promise | |")]
    explained = [row[0] for row in rows(STATES.read_text(), "| Promise | What it rests on |")]
    assert published == explained


def test_the_diagram_of_states_shows_the_moves_of_the_table() -> None:
    text = STATES.read_text()
    drawn = {move for move in re.findall(r"^ +(\S+) --> ([\w\[\]*]+)", text, re.MULTILINE) if move[1] != "[*]"}
    told = {
        (before, after)
        for source, target, _ in rows(text, "| from | to | when |")
        for before in (["[*]"] if source == "–" else _SPAN.findall(source))
        for after in _SPAN.findall(target)
    }
    assert drawn == told


def test_the_changelog_has_a_section_for_what_is_not_released() -> None:
    versions = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == "Unreleased" or re.fullmatch(r"\d+\.\d+\.\d+", versions[0])


def test_the_index_of_decisions_is_complete() -> None:
    listed = re.findall(r"^\| \[(\d{4})\]\(([\w.-]+)\)", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    assert listed == [(path.name[:4], path.name) for path in NUMBERED]
    assert len({number for number, _ in listed}) == len(listed)


@pytest.mark.parametrize("decision", NUMBERED, ids=lambda path: path.name)
def test_a_decision_has_a_number_a_context_and_consequences(decision: Path) -> None:
    text = decision.read_text()
    assert text.startswith(f"# {decision.name[:4]} ")
    for part in ("Context", "Decision", "Consequences"):
        assert re.search(rf"^(\*\*|#+ ){part}", text, re.MULTILINE), part


def test_every_dependency_has_its_reason() -> None:
    text = next(DECISIONS.glob("0010-*.md")).read_text()
    tables = [rows(text, "| Package | Reason; what was weighed |"), rows(text, "| Package | Reason |")]
    told = {name for table in tables for cell, _ in table for name in _SPAN.findall(cell)}
    assert told == requirements()


def test_the_delays_in_the_decision_on_backoff_are_those_of_the_code() -> None:
    text = next(DECISIONS.glob("0003-*.md")).read_text()
    delays = re.search(r"^\| delay in s \|(.+)\|$", text, re.MULTILINE)
    assert delays is not None
    told = [int(cell.strip(" *")) for cell in delays.group(1).split("|")]
    assert told == [Backoff().delay_ms(number) // 1000 for number in range(1, len(told) + 1)]


def test_the_table_of_keys_names_every_key_that_a_script_takes() -> None:
    told = set()
    for cell, *_ in rows(ARCHITECTURE.read_text(), "| Key | Type | Content |"):
        told |= {re.sub(r":<\w+>$", "_prefix", name) for name in _SPAN.findall(cell)}
    taken = {name for script in all_script_names() for name in load_header(script).key_names}
    # The walker of lists takes whichever index it is given.
    assert told == taken - {"index"}
    for name in told:
        assert Keys("default").named(name)


def test_the_table_of_scripts_names_every_script() -> None:
    table = rows(ARCHITECTURE.read_text(), "| Who asks (`jobs/backends/base.py`) | Scripts |")
    told = {name for _, scripts in table for name in _SPAN.findall(scripts)}
    assert told == set(all_script_names())
