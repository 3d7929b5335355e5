"""Addresses that others can reach this machine by."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence

import psutil

from arkserver.errors import IntegrationError

SETTING = "ARKSERVER_ADDRESSES"
_DOCUMENTATION = ("192.0.2.1", "2001:db8::1")
"""RFC 5737 and RFC 3849: hosts that exist nowhere, so that only the default route leads there."""


class NoAddressError(IntegrationError):
    """No address that others could reach this machine by."""

    code = "no-address"


def is_reachable(address: str) -> bool:
    """Whether other machines may reach `address`: not loopback, link-local, multicast or unspecified."""
    ip = ipaddress.ip_address(address)
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


def family(address: str) -> str:
    """``IPv4`` or ``IPv6``."""
    return f"IPv{ipaddress.ip_address(address).version}"


def find(settings: Sequence[str], toward: tuple[str, int] | None, listening: str = "") -> list[str]:
    """Return what to register, IPv4 first.

    Parameters
    ----------
    settings : sequence of str
        Addresses or names of network interfaces; wins if not empty.
    toward : tuple of str and int, or None
        Host and port of the system; the interfaces that route there are taken. None: the default route.
    listening : str
        Address that the server listens on; where it does not listen, nobody is sent. Empty: everywhere.

    Raises
    ------
    NoAddressError
        There is none, or it is the loopback's.
    """
    candidates = _named(settings) if settings else _heard(_routed(toward), listening)
    if reachable := [address for address in candidates if is_reachable(address)]:
        return sorted(dict.fromkeys(reachable), key=family)
    place = f"the way to {toward[0]}" if toward else "the default route"
    place = f"listening on {listening}, {place}" if listening else place
    origin = f"{SETTING}={','.join(settings)}" if settings else place
    raise NoAddressError(
        f"{origin} gives {', '.join(candidates) or 'no address'}, which others cannot reach; "
        f"set {SETTING} to an address or network interface of this machine that they can"
    )


def find_any(settings: Sequence[str], toward: tuple[str, int] | None, listening: str = "") -> list[str]:
    """Return as `find` does, but the loopback where there is nothing else: readers on the same machine can use it."""
    try:
        return find(settings, toward, listening)
    except NoAddressError:
        return _heard(_routed(toward), listening) or ["127.0.0.1"]


def _named(settings: Iterable[str]) -> list[str]:
    return [address for name in settings for address in _interface_or_address(name)]


def _interface_or_address(name: str) -> list[str]:
    try:
        return [str(ipaddress.ip_address(name))]
    except ValueError:
        pass
    families = (socket.AF_INET, socket.AF_INET6)
    found = [entry.address for entry in psutil.net_if_addrs().get(name, []) if entry.family in families]
    if not found:
        known = ", ".join(sorted(psutil.net_if_addrs()))
        raise NoAddressError(f"{SETTING}: {name!r} is neither an address nor an interface with one; there are {known}")
    return [address for address in found if "%" not in address]  # link-local ones carry their interface


def _heard(candidates: list[str], listening: str) -> list[str]:
    """Return those of `candidates` that reach a server listening on `listening`."""
    match listening:
        case "" | "*" | "::":
            return candidates
        case "0.0.0.0":  # noqa: S104 - a comparison
            return [address for address in candidates if family(address) == "IPv4"]
        case _:
            return _resolved(listening)


def _resolved(host: str) -> list[str]:
    return [address for address, _ in _resolve(host, 0)]


def _routed(toward: tuple[str, int] | None) -> list[str]:
    targets = _resolve(*toward) if toward else [(host, 9) for host in _DOCUMENTATION]
    return [address for host, port in targets if (address := _source(host, port))]


def _resolve(host: str, port: int) -> list[tuple[str, int]]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except socket.gaierror as error:
        raise NoAddressError(
            f"cannot find an address to register: {host} does not resolve ({error.strerror})"
        ) from error
    # The first of each family.
    first = {info[0]: (str(info[4][0]), port) for info in reversed(infos)}
    return list(first.values())


def _source(host: str, port: int) -> str | None:
    """Return the local address of the route to `host`. Connecting a datagram socket sends nothing."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, port))
        except OSError:  # no route in this family
            return None
        return str(probe.getsockname()[0])
