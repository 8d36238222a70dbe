"""What the files of `deploy/` start, and how long they let it end."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.deploy.tools import DEPLOY, documents

UNITS = tuple(sorted((DEPLOY / "systemd").glob("*.service")))
MANIFESTS = tuple(sorted((DEPLOY / "kubernetes").rglob("*.yaml")))
COMPOSE = DEPLOY / "docker" / "compose.yml"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Started:
    """A command of `manage.py` with its options, and the seconds from SIGTERM to SIGKILL; None: it just ends."""

    place: str
    argv: tuple[str, ...]
    stop_s: float | None

    def __str__(self) -> str:
        return self.place


def option_of(unit: Path, name: str) -> list[str]:
    """Return the values of a setting of a unit."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def workloads() -> list[dict[str, Any]]:
    """Return the Deployments and Jobs."""
    found = (document for path in MANIFESTS for document in documents(path))
    return [document for document in found if document["kind"] in ("Deployment", "Job")]


def container_of(workload: dict[str, Any]) -> dict[str, Any]:
    """Return the only container of a workload."""
    [container] = workload["spec"]["template"]["spec"]["containers"]
    return dict(container)


def instruction(name: str) -> list[str]:
    """Return the arguments of an instruction of the Dockerfile, the last one of that name, in its form as a list."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    return list(json.loads(re.findall(rf"^{name} .*?(\[.*\])$", text, re.MULTILINE)[-1]))


def everything_started() -> list[Started]:
    """Return all of them."""
    found = [Started("Dockerfile", tuple(instruction("CMD")), None)]
    for unit in UNITS:
        [line], [stop] = option_of(unit, "ExecStart"), option_of(unit, "TimeoutStopSec")
        words = [word for word in shlex.split(line) if not word.startswith("$")]
        found.append(Started(unit.name, tuple(words[words.index("manage.py") + 1 :]), float(stop)))
    for name, service in documents(COMPOSE)[0]["services"].items():
        if service["image"] == "ironforge":
            stop = service.get("stop_grace_period", "").rstrip("s")
            found.append(Started(f"compose {name}", tuple(service["command"]), float(stop) if stop else None))
    for workload in workloads():
        pod, container = workload["spec"]["template"]["spec"], container_of(workload)
        stop = pod.get("terminationGracePeriodSeconds")
        if stop and "lifecycle" in container:
            stop -= int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
        found.append(Started(workload["metadata"]["name"], tuple(container["args"]), stop))
    return found
