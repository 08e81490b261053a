"""The address that a gateway tells over UPnP-IGD (WANIPConnection:1 2.4.18, UPnP Device Architecture 1.1).

Found by SSDP, described in XML, asked over SOAP. Anybody on the link may answer the search, so a description
is read only where its host is the one that answered, and only over plain HTTP to that address.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

from splitdns.daemon.wan.answer import Address, WanError, address_in
from splitdns.daemon.wan.fetch import fetcher
from splitdns.load.wansources import OfUpnp

SSDP = ("239.255.255.250", 1900)
SEARCH_S = 2.0  # for gateways to answer: they wait up to MX seconds
PATIENCE_S = 5.0  # for all of it over HTTP
MAX_OCTETS = 262_144  # of a description; beyond: it is not read

_SEARCHED = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
_SEARCH = (
    "M-SEARCH * HTTP/1.1\r\n"
    f"HOST: {SSDP[0]}:{SSDP[1]}\r\n"
    'MAN: "ssdp:discover"\r\n'
    "MX: 1\r\n"
    f"ST: {_SEARCHED}\r\n\r\n"
)
_CONNECTIONS = tuple(f"urn:schemas-upnp-org:service:WAN{kind}Connection:" for kind in ("IP", "PPP"))
_XML = 'text/xml; charset="utf-8"'
_DEVICE = "{urn:schemas-upnp-org:device-1-0}"
_ASKED = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
    '<u:GetExternalIPAddress xmlns:u="{service}"/></s:Body></s:Envelope>'
)


async def ask(source: OfUpnp, ssdp: tuple[str, int] = SSDP, search_s: float = SEARCH_S) -> Address:
    """The gateway's external address.

    Raises:
        WanError: no gateway answers, or it has none.
        OSError: there is no way to it.
    """
    location = source.location or await _found(ssdp, search_s)
    try:
        async with asyncio.timeout(PATIENCE_S), fetcher(4) as fetch:
            described = await fetch.get(location, MAX_OCTETS)
            for service, control in connections(described, location):
                headers = {"soapaction": f'"{service}#GetExternalIPAddress"', "content-type": _XML}
                question = _ASKED.format(service=service).encode()
                with suppress(WanError):  # a gateway describes connections that it has not
                    return external(await fetch.post(control, question, headers, MAX_OCTETS))
    except WanError as error:
        raise WanError(f"{location}: {error}") from None
    raise WanError(f"{urlsplit(location).netloc} tells no external address over UPnP")


async def _found(ssdp: tuple[str, int], search_s: float) -> str:
    """Where the first gateway that answers describes itself."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        with suppress(TimeoutError):
            async with asyncio.timeout(search_s):
                await loop.sock_sendto(sock, _SEARCH.encode(), ssdp)
                while True:
                    answer, sender = await loop.sock_recvfrom(sock, 2048)
                    if (location := described_at(answer, sender[0])) is not None:
                        return location
    raise WanError("no gateway answers over UPnP")


def described_at(answer: bytes, sender: str) -> str | None:
    """Where ``sender`` describes itself; None where it names another host."""
    for line in answer.decode("latin-1").splitlines()[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "location":
            with suppress(ValueError):
                parts = urlsplit(value.strip())
                if parts.scheme == "http" and parts.hostname == sender:
                    return value.strip()
    return None


def connections(described: bytes, location: str) -> Iterator[tuple[str, str]]:
    """Each connection to the internet that a gateway describes: its service, and where it is asked.

    Raises:
        WanError: it is no description.
    """
    tree = _read(described)
    base = tree.findtext(f"{_DEVICE}URLBase", "").strip() or location
    for one in tree.iter(f"{_DEVICE}service"):
        service = one.findtext(f"{_DEVICE}serviceType", "").strip()
        if service.startswith(_CONNECTIONS):
            with suppress(ValueError):  # no URL
                control = urlsplit(urljoin(base, one.findtext(f"{_DEVICE}controlURL", "").strip()))
                if (control.scheme, control.hostname) == ("http", urlsplit(location).hostname):
                    yield service, control.geturl()


def external(answer: bytes) -> Address:
    """The address in a gateway's answer.

    Raises:
        WanError: there is none.
    """
    for one in _read(answer).iter("NewExternalIPAddress"):
        return address_in(one.text or "", 4)
    raise WanError("the gateway's answer over UPnP has no address")


def _read(text: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # UPnP has none, and they can be made to grow
        raise WanError("the gateway's description has entities of its own")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 (bounded, and without entities)
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # also of a wrong encoding
        raise WanError(f"the gateway's answer over UPnP is no XML: {error}") from None
