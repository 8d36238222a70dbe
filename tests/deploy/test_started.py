"""The commands that units, containers and pods start take these options, and end before they are killed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from ironforge_site import environment
from tests.deploy.started import (
    COMPOSE,
    DOCKERFILE,
    MANIFESTS,
    UNITS,
    Started,
    container_of,
    everything_started,
    instruction,
    workloads,
)
from tests.deploy.tools import DEPLOY, ROOT, documents

# What a server of several processes adds to its grace, and what a worker needs to give jobs back.
MARGIN_S = 5
SECRETS = {"IRONFORGE_REDIS_URL", "DATABASE_URL", "IRONFORGE_SECRET_KEY"}
EXAMPLE = DEPLOY / "systemd" / "ironforge.env.example"


@pytest.mark.parametrize("started", everything_started(), ids=str)
def test_the_command_takes_its_options_and_has_time_to_end(started: Started) -> None:
    name, *options = started.argv
    command = load_command_class(get_commands()[name], name)
    parsed = command.create_parser("manage.py", name).parse_args(options)
    if "ironforge" in name:
        assert started.stop_s is not None or started.place == "Dockerfile"
        assert started.stop_s is None or started.stop_s >= parsed.grace + MARGIN_S
    assert getattr(parsed, "port", None) in (None, 3000)


def test_every_variable_is_a_setting_and_no_file_holds_a_secret() -> None:
    known = set(re.findall(r"^\| `(\w+)`", environment.markdown(), re.MULTILINE))
    for path in (*UNITS, *MANIFESTS, COMPOSE, DOCKERFILE, EXAMPLE):
        text = path.read_text()
        named = set(re.findall(r"\b(?:IRONFORGE_[A-Z_]+|DATABASE_URL)\b", text))
        assert named <= known, (path.name, named - known)
        if path != COMPOSE:
            assert not re.search(rf"\b({'|'.join(SECRETS)})[=:] *\S", text), path.name
    assert not [document for path in MANIFESTS for document in documents(path) if document["kind"] == "Secret"]
    ours = documents(COMPOSE)[0]["x-ironforge"]["environment"]
    assert all("${" in ours[name] and ":?" in ours[name] for name in SECRETS)


def test_units_are_what_systemd_takes(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    for unit in UNITS:
        text = unit.read_text().replace("/srv/ironforge/.venv/bin/python", sys.executable)
        assert "KillMode=mixed" in text
        (tmp_path / unit.name.replace("@", "@1")).write_text(text)
    argv = [tool, "verify", "--man=no", *map(str, tmp_path.iterdir())]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    complaints = [line for line in ended.stderr.splitlines() if str(tmp_path) in line or "ironforge" in line]
    assert (ended.returncode, complaints) == (0, []), ended.stderr


def test_pods_are_asked_where_servers_answer_and_may_do_nothing_else() -> None:
    server = container_of(next(found for found in workloads() if found["metadata"]["name"] == "ironforge-server"))
    wanted = {"startupProbe": "live", "livenessProbe": "live", "readinessProbe": "ready"}
    assert server["ports"] == [{"name": "http", "containerPort": 3000}]
    for probe, name in wanted.items():
        asked = server[probe]["httpGet"]
        assert (asked["path"], asked["port"]) == (f"/health/{name}", "http")
        assert asked["httpHeaders"] == [{"name": "Host", "value": "localhost"}]
        assert resolve(asked["path"]).url_name == f"api-health-{name}"
    for workload in workloads():
        pod, container = workload["spec"]["template"]["spec"], container_of(workload)
        # Else a Service of our name sets IRONFORGE_PORT.
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert mounts == {volume["name"] for volume in pod["volumes"]}


def test_budgets_and_the_service_choose_the_pods() -> None:
    everything = [document for path in MANIFESTS for document in documents(path)]
    pods = {
        workload["metadata"]["name"]: workload["spec"]["template"]["metadata"]["labels"] for workload in workloads()
    }
    budgets = [document for document in everything if document["kind"] == "PodDisruptionBudget"]
    assert {budget["metadata"]["name"] for budget in budgets} == {
        "ironforge-server",
        "ironforge-worker",
        "ironforge-loops",
    }
    for budget in budgets:
        assert budget["spec"]["selector"]["matchLabels"] == pods[budget["metadata"]["name"]]
    [service] = [document for document in everything if document["kind"] == "Service"]
    assert service["spec"]["selector"] == pods["ironforge-server"]
    [config] = [document for document in everything if document["kind"] == "ConfigMap"]
    [scaler] = [document for document in everything if document["kind"] == "ScaledObject"]
    host, _, address = scaler["spec"]["triggers"][0]["metadata"]["url"].removeprefix("http://").partition(":")
    assert host in config["data"]["IRONFORGE_ALLOWED_HOSTS"].split(",")
    assert resolve("/" + address.partition("/")[2].partition("?")[0]).url_name == "api-queue-scaling"
    assert scaler["spec"]["scaleTargetRef"]["name"] in pods
    worker = container_of(next(found for found in workloads() if found["metadata"]["name"] == "ironforge-worker"))
    slots = worker["args"][worker["args"].index("--concurrency") + 1]
    assert scaler["spec"]["triggers"][0]["metadata"]["targetValue"] == slots


@pytest.mark.parametrize("is_apart", [False, True], ids=["usual", "loops apart"])
def test_kustomize_puts_the_manifests_together(tmp_path: Path, is_apart: bool) -> None:
    tool = shutil.which("kubectl")
    if tool is None:
        pytest.skip("kubectl is not installed")
    folder = Path(shutil.copytree(DEPLOY / "kubernetes", tmp_path / "kubernetes"))
    if is_apart:
        named = folder / "kustomization.yaml"
        named.write_text(named.read_text().replace("# components:", "components:"))
    ended = subprocess.run([tool, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("image: registry.example.com/ironforge:1") == len(workloads()) - (not is_apart)
    assert ("IRONFORGE_LOOPS: apart" in ended.stdout) is is_apart


def test_the_dockerfile_is_instructions_in_stages_that_exist() -> None:
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line.strip()]
    names = [name for name, _, _ in lines]
    known = {"FROM", "RUN", "COPY", "ARG", "ENV", "WORKDIR", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK"}
    assert set(names) <= known | {"ENTRYPOINT", "CMD"}
    assert names[0] == "FROM"
    # Of each of these the last one counts: a second one would be a mistake.
    assert all(names.count(name) == 1 for name in ("HEALTHCHECK", "ENTRYPOINT", "CMD", "USER"))
    stages = {rest.split()[-1] for name, _, rest in lines if name == "FROM" and " AS " in rest}
    assert set(re.findall(r"--from=(\S+)", text)) == stages
    arguments = re.findall(r"^ARG (\w+)=(\S+)$", text, re.MULTILINE)
    documented = (ROOT / "docs" / "deploy.md").read_text()
    for name, default in arguments:
        assert re.search(rf"\$\{{?{name}\b", text), name
        assert re.search(rf"`{name}` \(`{re.escape(default)}`\)", documented), name
        assert (ROOT / default).is_file()


def test_what_the_image_copies_is_all_that_a_server_needs(tmp_path: Path) -> None:
    text = DOCKERFILE.read_text()
    sources = re.findall(r"^COPY (?!--from)(\S+) \S+$", text, re.MULTILINE)
    kept = re.findall(r"^!(\S+)$", DOCKERFILE.with_name("Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert sorted(sources) == sorted(kept)
    # Tests beside this one compile modules, and what they write for a moment is gone when it is to be copied.
    compiled = shutil.ignore_patterns("__pycache__")
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source, ignore=compiled)
        else:
            shutil.copy(ROOT / source, tmp_path / source)
    for command in (["collectstatic", "--noinput"], ["runworker_ironforge", "--help"], ["check"]):
        argv = [sys.executable, "manage.py", *command]
        data = {"IRONFORGE_DATA_DIR": str(tmp_path / "build-data"), "PATH": "/usr/bin:/bin"}
        ended = subprocess.run(argv, cwd=tmp_path, env=data, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (tmp_path / "staticfiles" / "staticfiles.json").exists()
    # The key that the build made is not among what the image keeps.
    assert [path.parent.name for path in tmp_path.rglob("secret_key")] == ["build-data"]
    assert re.findall(r"^USER (\d+)$", text, re.MULTILINE) == ["10001"]
    assert instruction("ENTRYPOINT")[-1] == "manage.py"
