"""A gateway that speaks UPnP-IGD on loopback: described in XML, asked over SOAP, with a few mappings.

As much of it as `upnpc -l` asks for (UPnP IGD:1, WANIPConnection:1 2.4.14 GetGenericPortMappingEntry).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

_CONNECTION = "urn:schemas-upnp-org:service:WANIPConnection:1"
_LINK = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
_EXTERNAL = "203.0.113.7"


@dataclass(frozen=True)
class Mapping:
    protocol: str
    port: int
    to: str
    to_port: int
    description: str
    remote: str = ""


def _device(kind: str, inner: str) -> str:
    return (
        f"<device><deviceType>urn:schemas-upnp-org:device:{kind}:1</deviceType><friendlyName>test"
        f"</friendlyName><UDN>uuid:{kind}</UDN>{inner}</device>"
    )


def _service(kind: str, path: str) -> str:
    return (
        f"<service><serviceType>{kind}</serviceType><serviceId>id</serviceId><controlURL>{path}</controlURL>"
        f"<eventSubURL>{path}/event</eventSubURL><SCPDURL>{path}.xml</SCPDURL></service>"
    )


def _described() -> str:
    connection = f"<serviceList>{_service(_CONNECTION, '/ip')}</serviceList>"
    wan = _device("WANConnectionDevice", connection)
    link = f"<serviceList>{_service(_LINK, '/link')}</serviceList><deviceList>{wan}</deviceList>"
    inner = f"<deviceList>{_device('WANDevice', link)}</deviceList>"
    root = _device("InternetGatewayDevice", inner)
    return (
        '<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major>'
        f"<minor>0</minor></specVersion>{root}</root>"
    )


def _answer(action: str, service: str, **told: object) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
    return (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<u:{action}Response xmlns:u="{service}">{inner}</u:{action}Response></s:Body></s:Envelope>'
    )


_NO_MORE = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
    "<faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError "
    'xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>713</errorCode><errorDescription>'
    "SpecifiedArrayIndexInvalid</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>"
)


@contextmanager
def running(mappings: Sequence[Mapping]) -> Iterator[str]:
    """Gives where the gateway describes itself."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(200, _described())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            action = self.headers["soapaction"].strip('"').rpartition("#")[2]
            self._say(*self._asked(action, body))

        def _asked(self, action: str, body: str) -> tuple[int, str]:
            if action == "GetGenericPortMappingEntry":
                found = re.search(r"<NewPortMappingIndex>([0-9]+)<", body)
                at = int(found[1]) if found else 0
                if at >= len(mappings):
                    return 500, _NO_MORE
                one = mappings[at]
                return 200, _answer(
                    action,
                    _CONNECTION,
                    NewRemoteHost=one.remote,
                    NewExternalPort=one.port,
                    NewProtocol=one.protocol,
                    NewInternalPort=one.to_port,
                    NewInternalClient=one.to,
                    NewEnabled=1,
                    NewPortMappingDescription=one.description,
                    NewLeaseDuration=0,
                )
            told = {
                "GetExternalIPAddress": {"NewExternalIPAddress": _EXTERNAL},
                "GetConnectionTypeInfo": {"NewConnectionType": "IP_Routed"},
                "GetStatusInfo": {"NewConnectionStatus": "Connected", "NewUptime": 5},
            }
            return 200, _answer(action, _CONNECTION, **told.get(action, {}))

        def _say(self, status: int, text: str) -> None:
            octets = text.encode()
            self.send_response(status)
            self.send_header("content-type", "text/xml")
            self.send_header("content-length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/rootDesc.xml"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
