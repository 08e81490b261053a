"""A web server that says who it is and whom it saw: ``python -m tests.lab.web NAME PORT…``."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.lab.daemon import Daemon
from tests.lab.network import Host


def serve(host: Host, ports: list[int]) -> Daemon:
    """Start it on ``host``, on all of its addresses."""
    return host.start(sys.executable, "-m", "tests.lab.web", host.name, *map(str, ports))


def _handler(name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = f"{name} sees {self.client_address[0]}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


if __name__ == "__main__":
    servers = [ThreadingHTTPServer(("", int(port)), _handler(sys.argv[1])) for port in sys.argv[2:]]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()
