"""Against a gateway on the loopback, as the documents of UPnP describe one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.daemon.wan.answer import WanError
from splitdns.daemon.wan.upnp import MAX_OCTETS, ask, connections, described_at, external
from splitdns.load.wansources import OfUpnp

SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1"
DESCRIBED = f"""<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
<deviceList><device><deviceList><device><serviceList>
<service><serviceType>urn:schemas-upnp-org:service:WANPPPConnection:1</serviceType>
<controlURL>/ppp</controlURL></service>
<service><serviceType>{SERVICE}</serviceType><controlURL>/ip</controlURL></service>
<service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType>
<controlURL>/l3f</controlURL></service>
</serviceList></device></deviceList></device></deviceList></device></root>"""
TOLD = """<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<u:GetExternalIPAddressResponse xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1">
<NewExternalIPAddress>{}</NewExternalIPAddress></u:GetExternalIPAddressResponse></s:Body></s:Envelope>"""
PAGES = {"/igd.xml": (200, DESCRIBED), "/ppp": (500, ""), "/ip": (200, TOLD.format("203.0.113.7"))}


@asynccontextmanager
async def gateway(pages: Mapping[str, tuple[int, str]]) -> AsyncIterator[str]:
    """A gateway's web server; the URL of its description."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, body = pages[head.split()[1]]
        if "POST" in head:
            assert '#getexternalipaddress"' in head.lower()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/igd.xml"


async def told(pages: Mapping[str, tuple[int, str]] = PAGES) -> str:
    async with gateway(pages) as location:
        return str(await ask(OfUpnp(location)))


class _Ssdp(asyncio.DatagramProtocol):
    def __init__(self, location: str) -> None:
        self.location = location

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert data.startswith(b"M-SEARCH * HTTP/1.1\r\n")
        for location in ("http://192.0.2.1/igd.xml", self.location):  # the first is somebody else's
            self.transport.sendto(f"HTTP/1.1 200 OK\r\nLOCATION: {location}\r\n\r\n".encode(), addr)


def test_the_connection_that_has_an_address_tells_it() -> None:
    assert asyncio.run(told()) == "203.0.113.7"


def test_a_gateway_is_found_and_only_by_its_own_word() -> None:
    async def found() -> str:
        loop = asyncio.get_running_loop()
        async with gateway(PAGES) as location:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Ssdp(location), ("127.0.0.1", 0))
            try:
                return str(await ask(OfUpnp(), transport.get_extra_info("sockname"), 5.0))
            finally:
                transport.close()

    assert asyncio.run(found()) == "203.0.113.7"


def test_a_link_without_a_gateway_is_said_so() -> None:
    with pytest.raises(WanError, match="no gateway answers over UPnP"):
        asyncio.run(ask(OfUpnp(), ("127.0.0.1", 9), 0.05))


@pytest.mark.parametrize(
    ("pages", "complaint"),
    [
        ({**PAGES, "/ip": (200, TOLD.format(""))}, "tells no external address"),
        ({**PAGES, "/ip": (200, "<html>")}, "tells no external address"),
        ({"/igd.xml": (404, "")}, "HTTP status 404"),
        ({"/igd.xml": (200, "<root/>")}, "tells no external address"),
        ({"/igd.xml": (200, "no XML")}, "is no XML"),
        ({"/igd.xml": (200, " " * (MAX_OCTETS + 1))}, "more than 262144 octets"),
        ({"/igd.xml": (200, '<!DOCTYPE x [<!ENTITY a "aa">]><root/>')}, "has entities of its own"),
    ],
)
def test_what_is_no_answer_is_said(pages: Mapping[str, tuple[int, str]], complaint: str) -> None:
    with pytest.raises(WanError, match=complaint):
        asyncio.run(told(pages))


def test_a_description_leads_to_no_other_host() -> None:
    away = DESCRIBED.replace("<controlURL>/ip<", "<controlURL>http://192.0.2.1/ip<")

    found = dict(connections(away.encode(), "http://192.168.1.1/igd.xml"))

    assert list(found.values()) == ["http://192.168.1.1/ppp"]


@pytest.mark.parametrize(
    ("answer", "location"),
    [
        (b"HTTP/1.1 200 OK\r\nlocation: http://192.168.1.1:5000/x\r\n", "http://192.168.1.1:5000/x"),
        (b"HTTP/1.1 200 OK\r\nLocation: http://192.168.1.2/x\r\n", None),
        (b"HTTP/1.1 200 OK\r\nLocation: file:///etc/passwd\r\n", None),
        (b"HTTP/1.1 200 OK\r\nLocation: http://[/\r\n", None),
        (b"\xff", None),
    ],
)
def test_only_the_host_that_answers_describes_itself(answer: bytes, location: str | None) -> None:
    assert described_at(answer, "192.168.1.1") == location


def test_an_answer_without_an_address_is_none() -> None:
    with pytest.raises(WanError, match="has no address"):
        external(b"<a/>")


URLS = st.sampled_from(["/ip", "http://[", "http://192.168.1.1:x/", "//", "\t", "http://[::1]x/", "", "é"])


@settings(deadline=None)
@given(URLS, URLS)
def test_no_url_in_a_description_confuses_the_reader(base: str, control: str) -> None:
    text = DESCRIBED.replace("<controlURL>/ip<", f"<controlURL>{control}<")
    text = text.replace("<device>", f"<URLBase>{base}</URLBase><device>", 1)

    for _, url in connections(text.encode(), "http://192.168.1.1/igd.xml"):
        assert url.startswith("http://192.168.1.1")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_octets_confuse_the_reader(octets: bytes) -> None:
    for read in (external, lambda one: list(connections(one, "http://192.168.1.1/"))):
        try:
            read(octets)
        except WanError:
            continue
