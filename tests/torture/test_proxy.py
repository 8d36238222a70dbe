"""The proxy carries every byte, and does to connections exactly what it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.torture.proxy import DOWN, HOST, UP, Proxies, Proxy
from tests.waiting import until

SHORT_S = 0.2


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Return a proxy before a server that sends everything back."""
    with socket.create_server((HOST, 0)) as listener, Proxies() as proxies:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        yield proxies.open("echo", listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_send_back, args=(client,), daemon=True).start()


def _send_back(client: socket.socket) -> None:
    with client:
        try:
            while data := client.recv(1 << 16):
                client.sendall(data)
        except OSError:
            return


def _connected(proxy: Proxy) -> socket.socket:
    made = socket.create_connection((HOST, proxy.port), timeout=30)
    made.sendall(b"hello")
    assert made.recv(100) == b"hello"
    return made


def _is_cut(client: socket.socket) -> bool:
    try:
        return client.recv(100) == b""
    except ConnectionError:
        return True


def test_bytes_arrive_whole_and_in_order(proxy: Proxy) -> None:
    data = bytes(range(256)) * 4096
    with _connected(proxy) as client:
        threading.Thread(target=client.sendall, args=(data,), daemon=True).start()
        received = b""
        while len(received) < len(data):
            received += client.recv(1 << 16)
    assert received == data


def test_a_cut_ends_every_connection_and_the_next_one_works(proxy: Proxy) -> None:
    with _connected(proxy) as client:
        proxy.cut()
        assert _is_cut(client)
    _connected(proxy).close()


@pytest.mark.parametrize("way", [UP, DOWN])
def test_what_is_held_arrives_when_the_way_is_healed(way: int, proxy: Proxy) -> None:
    with _connected(proxy) as client:
        proxy.hold(way)
        client.sendall(b"late")
        client.settimeout(SHORT_S)
        with pytest.raises(TimeoutError):
            client.recv(100)
        proxy.heal()
        client.settimeout(30)
        assert client.recv(100) == b"late"


def test_what_is_held_is_lost_when_the_way_is_cut(proxy: Proxy) -> None:
    with _connected(proxy) as client:
        proxy.hold(UP | DOWN)
        client.sendall(b"never")
        proxy.heal(cut=True)
        assert _is_cut(client)


def test_half_a_message_is_half_of_it_and_then_the_end(proxy: Proxy) -> None:
    with _connected(proxy) as client:
        proxy.halve(DOWN)
        client.sendall(b"0123456789")
        received = b""
        while part := client.recv(100):
            received += part
        assert received == b"01234"


def test_one_reply_is_swallowed_and_no_more(proxy: Proxy) -> None:
    with _connected(proxy) as client:
        proxy.swallow_reply()
        client.sendall(b"done, and nobody knows")
        assert _is_cut(client)
    until(lambda: proxy.swallowed == 1)
    _connected(proxy).close()
