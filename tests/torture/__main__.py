"""`python -m tests.torture`: torture an installation, print the verdict; `--help` teaches."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests import isolation
from tests.torture import options, report
from tests.torture.run import torture


def main(words: list[str]) -> int:
    """Do what the command line says; 0 green, 1 red, 2 when the run itself failed."""
    asked = options.parse(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()

    def say(text: str) -> None:
        if asked.is_told or not text.startswith(("broken", "skipped")):
            sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {text}\n")

    with ExitStack() as kept:
        folder = asked.keep or Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="ironforge-torture-")))
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            sys.stderr.write(f"--keep: {folder} is not empty\n")
            return 2
        try:
            verdict = torture(asked.run, folder, say)
        except AssertionError as failed:
            sys.stderr.write(f"the run itself failed: {failed}\n")
            return 2
        except KeyboardInterrupt:
            sys.stderr.write("interrupted; everything is ended\n")
            return 130
    sys.stdout.write(report.text_of(verdict) + "\n")
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    assert isolation.DATA_DIR.is_dir()  # the settings of this process are read from an environment of its own
    sys.exit(main(sys.argv[1:]))
