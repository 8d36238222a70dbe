"""The secret key of an installation that was given none: made once, kept in the data directory."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_SECRET_BYTES = 48


def load_or_create(data_dir: Path) -> str:
    """Return the key in `<data_dir>/secret_key`, making it (mode 0600) the first time.

    Safe when several processes start at once: the key is written aside and then linked, so that all of them
    read the one that came first, and none reads half a key.
    """
    target = data_dir / "secret_key"
    if not target.exists():
        draft = data_dir / f".secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, target)
        draft.unlink()
    return target.read_text().strip()
