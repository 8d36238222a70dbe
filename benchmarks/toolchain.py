"""What peers need: a virtual environment each, Node's modules, a Redis server, Sidekiq, wrk. Made once, on demand.

The environments are in `benchmarks/.peers`, which Git ignores. What cannot be had is a reason to skip, never an error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from benchmarks.process import Unfit

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
PROGRAMS: Final = HERE / "programs"
PEERS: Final = HERE / ".peers"
_STAMP: Final = "installed.stamp"
_INSTALL_S: Final = 600


def python_environment(name: str, say: Callable[[str], None]) -> Path:
    """Return the `bin` folder of a peer's environment, installed from its requirements. Raises Unfit.

    The interpreter is the one of `.venv`, which `.ci/setup.sh` chose, so all Python competitors run on the same.
    """
    wanted = HERE / f"requirements-{name}.txt"
    folder = PEERS / name
    stamp = folder / _STAMP
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return folder / "bin"
    say(f"installing {name} (once)")
    shutil.rmtree(folder, ignore_errors=True)
    _install([sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    _install([*pip, "--quiet", "-r", str(wanted)])
    stamp.write_text(wanted.read_text())
    return folder / "bin"


def node_modules(say: Callable[[str], None]) -> Path:
    """Return the folder whose `node_modules` holds BullMQ and Express. Raises Unfit."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise Unfit(f"{program} is not on PATH")
    folder = PEERS / "node"
    lock = (HERE / "node" / "package-lock.json").read_text()
    stamp = folder / _STAMP
    if stamp.exists() and stamp.read_text() == lock:
        return folder
    say("installing BullMQ and Express (once)")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "node" / name, folder / name)
    _install(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    stamp.write_text(lock)
    return folder


def system_program(program: str, package: str, say: Callable[[str], None]) -> str:
    """Return the path of a program, installed with apt-get where that is possible. Raises Unfit."""
    found = shutil.which(program)
    if not found and _apt_get(package, say):
        found = shutil.which(program)
    if not found:
        raise Unfit(f"{program} is not on PATH (Debian: apt-get install {package})")
    return found


def versions() -> dict[str, str]:
    """Return the versions of the peers, as their pins say."""
    found = {}
    for path in sorted(HERE.glob("requirements-*.txt")):
        name = path.stem.removeprefix("requirements-")
        pins = dict(line.split("==", 1) for line in path.read_text().splitlines() if "==" in line)
        found |= {pin: version for pin, version in pins.items() if pin.lower() in {name, "fastapi", "taskiq-redis"}}
    pins = json.loads((HERE / "node" / "package.json").read_text())["dependencies"]
    return found | {name: pins[name] for name in ("bullmq", "express")} | _programs()


def _programs() -> dict[str, str]:
    """Return the versions of programs of the system."""
    found = {}
    for name, argv in {
        "node": ["node", "--version"],
        "sidekiq": ["sidekiq", "--version"],
        "wrk": ["wrk", "-v"],
    }.items():
        if shutil.which(argv[0]):
            done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
            version = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
            if version:
                found[name] = version[0]
    return found


@cache
def _apt_get(package: str, say: Callable[[str], None]) -> bool:
    if not shutil.which("apt-get"):
        return False
    prefix: list[str] = []
    if os.geteuid():
        if (
            not shutil.which("sudo")
            or subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True).returncode
        ):
            return False
        prefix = ["sudo", "-n"]
    say(f"installing {package} with apt-get (once)")
    # RUNLEVEL=1: the package must not start a service of its own.
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "install", "-q", "-y"]
    try:
        _install([*prefix, "apt-get", "update", "-q"])
        _install([*prefix, *install, "--no-install-recommends", package])
    except Unfit:
        return False
    return True


def _install(argv: Sequence[str], cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            argv, cwd=cwd, capture_output=True, text=True, timeout=_INSTALL_S, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise Unfit(f"{argv[0]} took more than {_INSTALL_S} s") from None
    if done.returncode:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise Unfit(f"{' '.join(argv[:4])} failed: {told[-1] if told else done.returncode}")
