"""The binding of a kind to a URL, as the store keeps it."""

from __future__ import annotations

import msgspec

DEFAULT_ENDPOINT_TIMEOUT_MS = 10_000
MIN_ENDPOINT_TIMEOUT_MS = 100
MAX_ENDPOINT_TIMEOUT_MS = 60_000
MAX_ENDPOINTS = 200
# Stands where a kind does; none has such a name.
WEBHOOK = "*"
# How long the secret before the present one is still signed with.
OVERLAP_MS = 24 * 3_600_000


class Secret(msgspec.Struct, frozen=True):
    """`until` is when it ends (Unix ms), None for the present one."""

    text: str
    until: int | None = None

    def __repr__(self) -> str:
        return "Secret(…)"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where jobs of a kind are sent; under the name WEBHOOK, where ends with these `statuses` are told.

    Times in Unix ms. The webhook may be without a URL: then it has but the secret that signs for jobs' own webhooks.
    """

    kind: str
    url: str
    secrets: tuple[Secret, ...]
    timeout_ms: int = DEFAULT_ENDPOINT_TIMEOUT_MS
    statuses: tuple[str, ...] = ()
    created_by: str = ""
    created_at: int = 0
    changed_at: int = 0

    def valid_secrets(self, now_ms: int) -> list[str]:
        """Return the texts to sign with, the present one first."""
        return [secret.text for secret in self.secrets if secret.until is None or secret.until > now_ms]

    def rotated(self, text: str, now_ms: int) -> Endpoint:
        """Return it with a new secret; the present one stays valid for a while, any older one does not."""
        before = tuple(Secret(secret.text, now_ms + OVERLAP_MS) for secret in self.secrets if secret.until is None)
        return msgspec.structs.replace(self, secrets=(Secret(text), *before), changed_at=now_ms)

    def overlap_until(self, now_ms: int) -> int | None:
        """Return until when an earlier secret is valid (Unix ms), None if there is none."""
        return max((secret.until for secret in self.secrets if secret.until and secret.until > now_ms), default=None)
