"""``sources: docker:`` in ``splitdns.yaml``: which engine is asked, and what its containers may say.

What a container declares stands in its labels. Here is what no label decides: the names that they may have at
all, and where the host and its proxy are met.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import PlainValidator, WithJsonSchema, model_validator

from splitdns.load import expose
from splitdns.load.configvalues import shown
from splitdns.load.declared import Port
from splitdns.load.gateway import Address, AnAddress
from splitdns.load.sections import Domain, Horizon, Section, Several, default
from splitdns.names import is_under, to_text

SOCKET = "unix:///var/run/docker.sock"


def _engine(value: object) -> str:
    wrong = f"expected an engine, like {SOCKET} or http://127.0.0.1:2375, found {shown(value)}"
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(wrong)
    try:
        parts = urlsplit(value)
        is_socket = parts.scheme == "unix" and not parts.netloc and len(parts.path) > 1
        is_proxy = parts.scheme in ("http", "tcp") and bool(parts.hostname) and parts.path in ("", "/")
        is_plain = not parts.query and not parts.fragment and "@" not in parts.netloc
        is_right = is_plain and (is_socket or (is_proxy and parts.port != 0))
    except ValueError:
        is_right = False
    if not is_right:
        raise ValueError(wrong)
    return value


def _one_of_each_family(addresses: Sequence[Address]) -> None:
    families = [address.version for address in addresses]
    if len(set(families)) < len(families):
        found = ", ".join(map(str, addresses))
        raise ValueError(f"expected one address of each family at most, found {found}")


AnEngine = Annotated[
    str,
    PlainValidator(_engine),
    WithJsonSchema({"type": "string", "pattern": "^(unix:///.|(http|tcp)://.)", "examples": [SOCKET]}),
]
Forwarded = Annotated[
    tuple[Port, Port],
    PlainValidator(expose.forwarded),
    WithJsonSchema({"type": "string", "examples": ["443/tcp", "443:8443/tcp"]}),
]


class ProxySettings(Section):
    """The reverse proxy whose labels containers carry: Traefik's routers, sites of caddy-docker-proxy."""

    inside: Several[AnAddress] = ()
    """Where it is met, one address of each family at most. Left out: where the host is."""

    expose: Several[Forwarded] = ()
    """What the names that it serves expose, such as `443/tcp`, or `443:8443/tcp` where public port 443 leads
    to its port 8443. A container's own `splitdns.expose` comes first."""

    @model_validator(mode="after")
    def _addresses(self) -> ProxySettings:
        _one_of_each_family(self.inside)
        return self


class DockerSettings(Section):
    """Names that containers declare by their labels."""

    engine: AnEngine = SOCKET
    """Where the engine is asked: its socket, or a proxy that lets only reading through. Podman's will do."""

    zone: Domain
    """The zone that the names are in. There may be a file for it, or not."""

    domains: Several[Domain] = ()
    """Where in the zone containers may have names, such as `apps.example.com`. Left out: everywhere."""

    inside: Several[AnAddress] = ()
    """The host's own addresses on the LAN, one of each family at most: where published ports are met."""

    horizon: Horizon = "inside"
    """Who is told these addresses: the views that take this horizon."""

    proxy: ProxySettings = default({})
    """The reverse proxy in front of containers."""

    mode: Literal["authoritative", "overlay"] = "overlay"
    """What becomes of the zone's other names, where no file declares it: they do not exist, or they are asked
    upstream."""

    @model_validator(mode="after")
    def _fitting(self) -> DockerSettings:
        _one_of_each_family(self.inside)
        outside = next((one for one in self.domains if not is_under(one, self.zone)), None)
        if outside is not None:
            raise ValueError(f"expected domains in {to_text(self.zone)}, found {to_text(outside)}")
        if self.horizon == "outside":
            raise ValueError("expected a horizon of inside views, found 'outside', which labels decide")
        return self
