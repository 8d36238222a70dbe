"""Signatures as Standard Webhooks has them."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from jobs.domain.endpoint import OVERLAP_MS, Endpoint, Secret
from jobs.domain.signature import new_secret, signature, signed_headers

# From the test vectors of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_signature_is_that_of_the_specification() -> None:
    made = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_valid_secret_signs() -> None:
    first, second = new_secret(), new_secret()
    headers = signed_headers([first, second], "id", 7, b"x")
    assert headers["webhook-id"] == "id"
    assert headers["webhook-timestamp"] == "7"
    for secret, made in zip((first, second), headers["webhook-signature"].split(" "), strict=True):
        key = base64.b64decode(secret.removeprefix("whsec_"))
        assert made == "v1," + base64.b64encode(hmac.new(key, b"id.7.x", hashlib.sha256).digest()).decode()


def test_what_is_no_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="not a secret"):
        signature("whsec_?", "id", 1, b"")


def test_a_rotated_secret_is_valid_for_a_day_and_is_never_shown() -> None:
    endpoint = Endpoint(kind="k", url="https://a.example", secrets=(Secret("whsec_QQ=="),))
    rotated = endpoint.rotated("whsec_Qg==", 1000).rotated("whsec_Qw==", 2000)
    assert rotated.valid_secrets(3000) == ["whsec_Qw==", "whsec_Qg=="]
    assert rotated.valid_secrets(2000 + OVERLAP_MS) == ["whsec_Qw=="]
    assert "whsec_" not in repr(rotated)
