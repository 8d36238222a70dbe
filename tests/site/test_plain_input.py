"""What Django could not take apart is refused before it tries, for strangers too."""

from __future__ import annotations

import pytest
from django.test import Client

PART = b'--x\r\nContent-Disposition: form-data; name="account"\r\n\r\n%41\r\n--x--'
CHARSETS = ["hex", "base64", "rot13", "zlib", "undefined", "idna", "utf-16", "latin-1", "nope", "UTF-7"]


@pytest.mark.django_db
@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("address", ["/console/login", "/console/queues/main/pause", "/jobs", "/nothing"])
def test_a_form_in_another_charset_is_refused(address: str, charset: str) -> None:
    client = Client(raise_request_exception=False)
    answer = client.generic("POST", address, PART, f"multipart/form-data; boundary=x; charset={charset}")
    assert answer.status_code == 400
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=UTF-8"])
def test_a_form_in_utf_8_is_read(charset: str) -> None:
    answer = Client().generic("POST", "/console/login", PART, f"multipart/form-data; boundary=x{charset}")
    assert answer.status_code == 401
    assert 'value="%41"' in answer.content.decode()


@pytest.mark.parametrize("address", ["/console/", "/queues", "/console/login"])
def test_a_session_with_a_nul_is_never_looked_up(address: str) -> None:
    client = Client(raise_request_exception=False)
    answer = client.get(address, headers={"cookie": r'ironforge_session="aaaaaaaaaaaa\000aaaaaaaa"'})
    assert answer.status_code == 400
