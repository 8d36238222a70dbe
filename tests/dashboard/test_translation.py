"""Every word of the console can be translated: templates mark theirs, and a made-up language reaches all of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.test import Client

from ironforge_site.language import languages_of
from jobs.access.models import ApiKey
from jobs.access.scopes import KEY_SCOPES, Role
from jobs.dashboard.alert_words import SENTENCES, words_of_alert
from jobs.dashboard.words import words
from jobs.domain.alert import AlertRule, Metric, in_words, sentence_of
from jobs.domain.limit import Limit, LimitBy
from jobs.domain.priority import Priority
from jobs.domain.unique import Unique
from jobs.domain.workflow import WorkflowSpec
from tests.dashboard.conftest import PAGES, Team, text_of
from tests.dashboard.test_limits_page import limit
from tests.dashboard.test_templates import TEMPLATES, name_of
from tests.dashboard.test_workers_page import report
from tests.dashboard.wording import has_words, said_in, unmarked_in, unmarked_in_code
from tests.graph import Graph, steps_after
from tests.processes.running import ROOT
from tests.stores import BY, letters_group
from tests.wrapped import wrapped  # noqa: F401 (a fixture)

# The API's own page speaks the language of the API.
CONSOLE = [path for path in TEMPLATES if path.parent.name != "api"]


def test_no_template_says_a_word_that_is_not_marked() -> None:
    found = {name_of(path): said for path in CONSOLE if (said := unmarked_in(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ('<p>Queues of {{ namespace }}</p><b>{% translate "All" %}</b>', ["Queues of"]),
        ('<a title="Look further" href="{% url "x" %}" class="btn main">…</a>', ["Look further"]),
        ("{% if x %}{% blocktranslate %}<b>Done</b>{% endblocktranslate %}{% else %}not yet{% endif %}", ["not yet"]),
        ('{% include "a.html" with icon="mail off" title="No letters" text=_("None") only %}', ["No letters"]),
        ('{{ version|default:"no version" }}{{ version|default:_("none") }}', ["no version"]),
        ('{{ n }} <input placeholder="all kinds"><input placeholder="queue.pause"> ms', ["all kinds"]),
        ("job{{ n|pluralize }}", ["job", "n|pluralize"]),
        ("{% comment %}Said to nobody{% endcomment %}<code>make run</code><kbd>Ctrl</kbd> 12 min", []),
    ],
)
def test_the_check_finds_what_is_not_marked(template: str, said: list[str]) -> None:
    assert unmarked_in(template) == said


def test_no_module_of_the_console_says_a_word_that_is_not_marked() -> None:
    modules = sorted((ROOT / "jobs" / "dashboard").rglob("*.py"))
    found = {name_of(path): said for path in modules if (said := unmarked_in_code(path.read_text()))}
    assert found == {
        "jobs/dashboard/apps.py": ["IronForge console"],  # no page has it
        "jobs/dashboard/deliveries.py": ["The receiver answered {}"],  # compared, and taken off
        "jobs/dashboard/job.py": ["Refresh"],  # a header
    }


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('"""About it."""\nlabel = "Most ready"', ["Most ready"]),
        ('def f(name):\n    """Say it."""\n    return f"Made {name}."', ["Made {}."]),
        ('from x import gettext as _\nA = _("Queues")\ndef f(): return _("Jobs")', ["Queues"]),
        ('A = gettext_noop("Queues")\nB = "dead_letter"\nC = f"<b>of {A}</b>"', []),
    ],
)
def test_the_check_finds_what_code_does_not_mark_and_what_is_translated_too_early(code: str, said: list[str]) -> None:
    assert unmarked_in_code(code) == said


def test_scripts_say_words_of_the_page_alone_and_each_of_those_is_said() -> None:
    scripts = {path.name: path.read_text() for path in sorted((ROOT / "static" / "js").glob("*.js"))}
    # What is shown or spoken, other than by `word(…)`.
    own = re.compile(r"""(?:textContent = |\.title = |"aria-label", |toast\(|Validity\()[^;\n]*?["'`][A-Z][a-z]""")
    calls = re.compile(r"\bword\((?:[^()]|\([^()]*\))*\)")
    assert {name: said for name, text in scripts.items() if (said := own.findall(calls.sub("", text)))} == {}
    every = "\n".join(scripts.values())
    assert set(re.findall(r'word\("(\w+)"', every)) <= set(words())
    assert {name for name in words() if f'"{name}"' not in every} == set()


def unwrapped_in(page: str, data: Iterable[str]) -> list[str]:
    """Return what a page says outside of «», but for what the test has put in: words that begin with zz, and `data`."""
    before = ""
    while page != before:
        page, before = re.sub(r"«[^«»]*»", "", page), page
    known = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(data, key=len, reverse=True)))})(?!\w)")
    mine = re.compile(r"https://8.8.8.8/|\bzz[\w.@-]*|…?\b(?=[a-z-]*\d)[\w-]{6,}\b…?")
    return [said for said in said_in(page) if has_words(known.sub(" ", mine.sub(" ", said)))]


# Names of things in the store and in its payloads, which are shown as they are.
NAMES = {
    BY, "demo.echo", "main", "step", "Valkey", "always", "noeviction", "ValueError", "no", "password", "null",
    "[masked]", '{"kind":" "}',
}  # fmt: skip
# Decision 0058: what the API says too is English.
OF_THE_API = {"It is due later.", "No live worker takes jobs from the queue"}


def data_of(team: Team, address: str) -> set[str]:
    """Return what is shown as it is: names of people and of things; and codes, where they are listed."""
    space = team.bench.namespace
    names = NAMES | OF_THE_API | {space, *(f"{space}-{role.value}" for role in Role)}
    # One in fifty has no digit, and looks like a word.
    prefixes = set(ApiKey.objects.values_list("prefix", flat=True))
    if address.endswith("/audit"):
        changed = json.dumps([(entry.before, entry.after) for entry in team.entries()])
        acts = {text for entry in team.entries() for text in (entry.action, entry.target_kind)}
        return names | prefixes | acts | {"session"} | set(re.findall(r"\w+", changed))
    return names | prefixes | {scope.value for scope in KEY_SCOPES} if "/namespaces/" in address else names


def act(admin: Client, namespace: str) -> None:
    """Do what leaves something to be shown."""
    made = {
        "queues/zz/pause": {"reason": "zz"},
        "schedules/new": {"name": "zz", "kind": "zz.echo", "every_s": "60", "jitter_s": "5"},
        "schedules/zz/run": {},
        "schedules/zz/pause": {"reason": "zz"},
        "webhooks/set": {"url": "https://8.8.8.8/zz", "status": "completed"},
        "webhooks/endpoints": {"kind": "zz.push", "url": "https://8.8.8.8/zz", "timeout_ms": "500"},
        f"namespaces/{namespace}/keys": {"name": "zz", "scope": "jobs:read", "expires_days": "3"},
        "history/deploys": {"version": "zz-1", "note": "zz"},
    }
    for path, form in made.items():
        assert admin.post(f"/console/{path}", form).status_code < 400, path


def fill(team: Team) -> list[str]:
    """Have something of each sort; return the addresses of pages that show it."""
    bench, admin = team.bench, team.client(Role.ADMIN)
    for priority in Priority:
        bench.submit("zz.echo", queue="zz", priority=priority, metadata={"zz": "zz"})
    bench.submit("zz.echo", unique=Unique("zz", ttl_ms=60_000))
    letter = bench.dead_letter(kind="zz.echo", queue="zz-dead", payload=b'{"zz": [1, {"password": "zz"}]}')
    scheduled = bench.submit("zz.echo", scheduled_for=bench.now() + 60_000)
    graph = Graph(bench, WorkflowSpec(name="zz", steps=steps_after({"zz-a": [], "zz-b": ["zz-a"]})))
    running = bench.lease(queues=("zz",)).job
    limit(team, Limit(by=LimitBy.QUEUE, name="zz", concurrency=3))
    report(team, "zz-1", ago_ms=0, host="zz-host", queues=("zz",), kinds=("zz.echo",), jobs=(running.id,), busy=1)
    report(team, "zz-2", ago_ms=25_000, host="zz-old", queues=("zz",), version="0.0.1", kinds=("zz.echo", "zz.b"))
    act(admin, bench.namespace)
    begun = admin.post("/console/operations/preview", {"action": "cancel", "kind": "zz.echo", "pace_per_s": "5"})
    return [
        *(f"/console/{page}" for page in PAGES),
        "/console/?range=24h",
        *("/console/history?queue=zz", "/console/queues/zz"),
        "/console/schedules/zz",
        "/console/schedules/new",
        "/console/schedules/zz/edit",
        f"/console/workflows/{graph.id}",
        "/console/workflows?status=failed",
        f"/console/namespaces/{bench.namespace}",
        begun["Location"],
        f"/console/jobs/{letter}",
        f"/console/jobs/{letter}/edit",
        f"/console/jobs/{running.id}",
        f"/console/jobs/{scheduled}",
        "/console/jobs?columns=state,queue,priority,attempts,note,submitted,due,ran,tags,worker&created_after=x",
        f"/console/dead-letters?group={letters_group('zz.echo')}",
        "/console/nothing",
    ]


@pytest.mark.usefixtures("wrapped")
def test_each_word_of_each_page_is_in_the_language_of_the_browser(team: Team, stranger: Client) -> None:
    addresses, admin = fill(team), team.client(Role.ADMIN)
    found: dict[str, list[str]] = {}
    for address in [*addresses, "/console/login"]:
        client = stranger if address.endswith("login") else admin
        answer = client.get(address, headers={"Accept-Language": "de-AT,de;q=0.9"})
        assert answer["Content-Language"] == "de"
        assert '<html lang="de">' in text_of(answer)
        if said := unwrapped_in(text_of(answer), data_of(team, address)):
            found[address] = said
    assert found == {}


@pytest.mark.usefixtures("wrapped")
def test_a_language_is_offered_when_its_catalogue_is_there_and_the_api_is_english(team: Team, tmp_path: Path) -> None:
    assert languages_of(tmp_path) == [("en", "English")]
    for name in ("pt_BR", "de"):
        (tmp_path / name / "LC_MESSAGES").mkdir(parents=True)
        (tmp_path / name / "LC_MESSAGES" / "django.mo").touch()
    assert languages_of(tmp_path) == [("en", "English"), ("de", "Deutsch"), ("pt-br", "Português Brasileiro")]
    viewer = team.client(Role.VIEWER)
    assert viewer.get("/console/", headers={"Accept-Language": "pt-BR"})["Content-Language"] == "en"
    answer = viewer.get("/queues/none", headers={"Accept-Language": "de"})
    assert "Content-Language" not in answer
    assert "«" not in text_of(answer)


@pytest.mark.parametrize("metric", list(Metric))
def test_what_an_alert_says_is_marked_and_the_same_in_english(metric: Metric) -> None:
    for queue in ("", "mail") if metric is Metric.OLDEST_AGE else ("",):
        rule = AlertRule(name="a", metric=metric, threshold=90.5, queue=queue)
        for value in (None, 4000.0):
            assert sentence_of(rule, value)[0] in SENTENCES
            assert words_of_alert(rule, value) == in_words(rule, value)
