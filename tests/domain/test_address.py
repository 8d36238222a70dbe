"""Addresses and URLs: what is not on the public Internet is closed, in whatever form it is written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.address import is_public, may_reach, networks_of
from jobs.domain.target import InvalidTarget, read_target

CLOSED = [
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:a9fe:a9fe::",
    "2001::1",
    "2001:db8::1",
    "2001:10::1",
    "3fff::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "5f00::1",
]
PRIVATE_V4 = [ip_network(text) for text in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16")]


@pytest.mark.parametrize("text", CLOSED)
def test_an_address_inside_or_one_that_stands_for_another_is_closed(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_the_public_internet_is_open(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.sampled_from(PRIVATE_V4).flatmap(lambda network: st.ip_addresses(v=4, network=str(network))))
def test_no_way_to_write_a_private_address_within_ipv6_opens_it(inside: IPv4Address) -> None:
    number = int(inside)
    forms = [
        number,
        0xFFFF << 32 | number,
        0xFFFF << 48 | number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80,
    ]
    forms.append(0x20010000 << 96 | (number ^ 0xFFFFFFFF))  # Teredo
    assert not any(is_public(IPv6Address(form)) for form in forms)


@given(st.ip_addresses())
def test_what_is_open_is_global_to_the_standard_library_as_well(address: IPv4Address | IPv6Address) -> None:
    assert address.is_global or not is_public(address)


@given(st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_opening_a_network_opens_that_network(address: IPv4Address) -> None:
    opened = networks_of(["127.0.0.0/8"])
    assert may_reach(address, opened)
    assert not may_reach(IPv6Address(f"::ffff:{address}"), opened)
    assert not may_reach(ip_address("10.0.0.1"), opened)


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://a.example", "a.example", 443, "/"),
        ("http://A.Example:8080/x?y=1", "a.example", 8080, "/x?y=1"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/"),
        ("https://[2606:4700::1111]:444/", "", 0, ""),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111", 8443, "/"),
        ("https://xn--bcher-kva.example.:443", "xn--bcher-kva.example", 443, "/"),
    ],
)
def test_a_url_is_read(url: str, host: str, port: int, path: str) -> None:
    if not host:
        with pytest.raises(InvalidTarget):
            read_target(url)
        return
    target = read_target(url)
    assert (target.host, target.port, target.path) == (host, port, path)


def test_the_authority_names_brackets_and_unusual_ports() -> None:
    urls = ("https://a.example", "http://a.example:443", "http://[2606:4700::1]", "http://8.8.8.8:8000")
    wanted = ["a.example", "a.example:443", "[2606:4700::1]", "8.8.8.8:8000"]
    assert [read_target(url).authority for url in urls] == wanted


REFUSED = [
    "", "a.example", "//a.example", "ftp://a.example", "gopher://a.example", "file:///etc/passwd", "https:a.example",
    "https://", "https:///x", "https://user@a.example", "https://user:word@a.example", "https://@a.example",
    "https://a.example#x", "https://a.example/ x", "https://a.example/\r\nHost: b", "https://a.example\\@b.example",
    "https://bücher.example", "http://127.1", "http://0x7f000001", "http://2130706433", "http://0177.0.0.1",
    "http://127.0.0.0x1", "http://1.2.3.4.5", "http://0x7f.1", "http://[::1%25eth0]",
    "http://[::1", "http://a..example", "http://-a.example", "http://a.example:6379", "http://a.example:22",
    "http://a.example:0", "http://a.example:99999", "http://a.example:x", "https://a.example/" + "x" * 2048,
    "https://%31%32%37.0.0.1", "http://①②⑦.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_what_can_be_read_in_two_ways_is_no_url(url: str) -> None:
    with pytest.raises(InvalidTarget):
        read_target(url)


@given(st.text(max_size=60) | st.text("htps:/.@[]%0x127#?\\ ", max_size=40).map("http://".__add__))
def test_any_text_is_a_target_or_is_refused(url: str) -> None:
    try:
        target = read_target(url)
    except InvalidTarget:
        return
    assert target.host
    assert "@" not in target.authority
    assert target.path.startswith("/")


@given(st.integers(0, 2**32 - 1))
def test_a_number_is_no_host(number: int) -> None:
    for host in (str(number), hex(number), oct(number).replace("o", "")):
        with pytest.raises(InvalidTarget):
            read_target(f"http://{host}/")
