"""Checks an address that a visitor typed: to which machine it leads, and whether that machine may be called.

Anyone who may enter an address can make this program call it, including one that only this program can reach
(server-side request forgery). So the name is resolved once, every resulting address is checked, and the call goes to
the very address that was checked.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from connectors.errors import Fatal
from models.schema.urls import address_problem

Address = IPv4Address | IPv6Address

# A DNS name, in lower case. Any other spelling (percent signs, zone ids, wide characters, a dot at the end) is refused
# rather than interpreted: two programs may interpret it differently.
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_MAX_NAME_LENGTH = 253
# With a last label of this form a resolver reads the whole name as a number: 127.1, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_BLOCKED_IPV4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; the metadata service of one cloud
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; the metadata services of the others
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# The range of IPv6 that is assigned to the public internet; the forms that embed an IPv4 address (mapped, compatible,
# NAT64) lie outside it, as do loopback, link-local, unique local, site-local and multicast.
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_BLOCKED_IPV6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocols, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in it
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # the upper half of an interface id that ends in an IPv4 address


class AddressRefused(Fatal):
    """The address may not be called; the message does not repeat it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: the URL to request, and the IP address to connect to."""

    url: str = field(repr=False)
    host: str
    connect_to: str


def safe_address(url: str, allow_loopback: bool) -> Target:
    """The target that a URL leads to; raises AddressRefused where it may not be called.

    Only https to an address of the public internet is allowed; with `allow_loopback` also this machine itself, over
    http too. The name is resolved here and nowhere else.
    """
    problem = address_problem(url)
    if problem is not None:
        raise AddressRefused(
            "Het adres kan niet gebruikt worden; schrijf het als https://host/pad, zonder naam of wachtwoord.",
            f"The address {problem}.",
        )
    parts = urlsplit(url)
    if parts.fragment:
        raise _unusual_host()
    host = _parsed_host(parts.netloc)
    addresses = _resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
    # Not every machine has IPv6, so an IPv4 address goes first where there is one.
    connect_to = str(next((item for item in addresses if item.version == 4), addresses[0]))
    if allow_loopback and all(item.is_loopback and not _embeds_ipv4(item) for item in addresses):
        return Target(url, host, connect_to)
    if not all(is_public(item) for item in addresses):
        raise AddressRefused(
            "Het adres leidt naar een machine die niet op het openbare internet staat; die wordt niet aangeroepen.",
            "The address leads to a machine that is not on the public internet; it is not called.",
        )
    if parts.scheme != "https":
        raise AddressRefused(
            "Het adres moet met https:// beginnen.",
            "The address must begin with https://.",
        )
    return Target(url, host, connect_to)


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet and does not embed an IPv4 address."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _BLOCKED_IPV4)
    return (
        address in _PUBLIC_IPV6
        and address.is_global
        and not any(address in network for network in _BLOCKED_IPV6)
        and not _embeds_ipv4(address)
    )


def _embeds_ipv4(address: Address) -> bool:
    return isinstance(address, IPv6Address) and (
        address.ipv4_mapped is not None or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP
    )


def _parsed_host(netloc: str) -> str:
    """The host of a URL in lower case; raises AddressRefused for any other than the plain spelling."""
    host, bracket, rest = netloc.lower().partition("]")
    if bracket:
        if not host.startswith("[") or "%" in host or (rest and not rest.startswith(":")):
            raise _unusual_host()
        try:
            return str(IPv6Address(host[1:]))
        except ValueError:
            raise _unusual_host() from None
    host = host.partition(":")[0]
    if len(host) > _MAX_NAME_LENGTH or not _NAME.fullmatch(host):
        raise _unusual_host()
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise _unusual_host() from None
    return host


def _unusual_host() -> AddressRefused:
    return AddressRefused(
        "De host van het adres is ongewoon gespeld; schrijf een gewone naam, zoals https://uwlr.uitgever.nl/pad.",
        "The host of the address is spelled in an unusual way; write a plain name, such as https://uwlr.publisher.nl/path.",
    )


def _resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, at least one; an IP address needs no look-up."""
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass  # it is a name
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(ipaddress.ip_address(str(answer[4][0])) for answer in answers))
    except (OSError, UnicodeError, ValueError):  # a ValueError is a zone id in an answer: link-local at best
        addresses = []
    if not addresses:
        raise AddressRefused(
            "De naam van de server is niet te vinden; controleer het adres.",
            "The name of the server cannot be found; check the address.",
        )
    return addresses
