"""An address that a stranger typed: which machine it leads to, and whether that machine may be called.

Whoever may name an address can make this program call it, also one that only this program can reach. So the name is
resolved once, every address that it leads to is looked at, and the call goes to the very address that was looked at.
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

# A name as DNS has it, in lower case once it is read. What is spelled otherwise (percent signs, zone ids, wide
# characters, a dot at the end) is refused rather than understood: two programs may understand it differently.
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_MOST_NAME = 253
# A last label of this form makes a resolver read the whole as a number: 127.1, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_NEVER_4 = tuple(
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
# Of IPv6 only what is given out to the public counts; the forms that hold an IPv4 address (mapped, compatible, NAT64)
# stand outside it, as do loopback, link-local, unique local, site-local and multicast.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NEVER_6 = tuple(
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
    """An address that is not called; the sentence does not repeat it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: what to ask for, and the literal address of the machine to connect to."""

    url: str = field(repr=False)
    host: str
    connect_to: str


def safe_address(url: str, allow_loopback: bool) -> Target:
    """The target that an endpoint's address leads to; raises AddressRefused where it may not be called.

    Only https to an address of the public internet; `allow_loopback` also lets through this machine itself, over
    http too, by one of its plain names. The name is resolved here and nowhere else.
    """
    problem = address_problem(url)
    if problem is not None:
        raise AddressRefused(
            "Het adres kan niet gebruikt worden; schrijf het als https://host/pad, zonder naam of wachtwoord.",
            f"The address {problem}.",
        )
    parts = urlsplit(url)
    if parts.fragment:
        raise _odd()
    host = _written_host(parts.netloc)
    found = _resolve(host, parts.port or (443 if parts.scheme == "https" else 80))
    # Not every machine has IPv6, so an IPv4 address goes first where there is one.
    chosen = str(next((item for item in found if item.version == 4), found[0]))
    if allow_loopback and all(item.is_loopback and not _holds_ipv4(item) for item in found):
        return Target(url, host, chosen)
    if not all(is_public(item) for item in found):
        raise AddressRefused(
            "Het adres leidt naar een machine die niet op het openbare internet staat; die wordt niet aangeroepen.",
            "The address leads to a machine that is not on the public internet; it is not called.",
        )
    if parts.scheme != "https":
        raise AddressRefused(
            "Het adres moet met https:// beginnen.",
            "The address must begin with https://.",
        )
    return Target(url, host, chosen)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, and does not hold another one."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _NEVER_4)
    return (
        address in _PUBLIC_6
        and address.is_global
        and not any(address in network for network in _NEVER_6)
        and not _holds_ipv4(address)
    )


def _holds_ipv4(address: Address) -> bool:
    return isinstance(address, IPv6Address) and (
        address.ipv4_mapped is not None or (int(address) >> 32) & 0xFFFF_FFFF in _ISATAP
    )


def _written_host(netloc: str) -> str:
    """The host as it was written, in lower case; raises AddressRefused for every other than the plain spelling."""
    host, bracket, rest = netloc.lower().partition("]")
    if bracket:
        if not host.startswith("[") or "%" in host or (rest and not rest.startswith(":")):
            raise _odd()
        try:
            return str(IPv6Address(host[1:]))
        except ValueError:
            raise _odd() from None
    host = host.partition(":")[0]
    if len(host) > _MOST_NAME or not _NAME.fullmatch(host):
        raise _odd()
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise _odd() from None
    return host


def _odd() -> AddressRefused:
    return AddressRefused(
        "De host van het adres is ongewoon gespeld; schrijf een gewone naam, zoals https://uwlr.uitgever.nl/pad.",
        "The host of the address is spelled in an unusual way; write a plain name, such as https://uwlr.publisher.nl/path.",
    )


def _resolve(host: str, port: int) -> list[Address]:
    """The addresses that a host leads to, at least one; an address written out leads to itself, without a question."""
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass  # a name, then
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found = list(dict.fromkeys(ipaddress.ip_address(str(answer[4][0])) for answer in answers))
    except (OSError, UnicodeError, ValueError):  # a ValueError is a zone id in an answer: link-local at best
        found = []
    if not found:
        raise AddressRefused(
            "De naam van de server is niet te vinden; controleer het adres.",
            "The name of the server cannot be found; check the address.",
        )
    return found
