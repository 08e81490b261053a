"""``sources:`` in ``splitdns.yaml``: whatever else knows names, beside zone files.

Sections stand in order of trust, and that is the order in which they have names: a source of an earlier one
keeps a name that one of a later one wants, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import model_validator

from splitdns.load import marked
from splitdns.load.containers import DockerSettings
from splitdns.load.sections import Domain, Duration, Horizon, Path, Section, Several, default


class LeasesSettings(Section):
    """Host names that a DHCP server has heard from its clients: from `files`, or from `sockets`."""

    server: Literal["dnsmasq", "kea", "isc"]
    """Which DHCP server it is."""

    files: Several[Path] = ()
    """Its lease files, relative to this one: those of DHCPv4 and of DHCPv6, if they are two. A change of them
    is picked up by itself."""

    sockets: Several[Path] = ()
    """Kea's control sockets instead, where it does not keep its leases in files: those of its DHCPv4 and its
    DHCPv6 server, with the hook `lease_cmds`. Relative to this file."""

    zone: Domain
    """The zone that the hosts are named in, such as `home.arpa`. There may be a file for it, or not."""

    horizon: Horizon = "inside"
    """Who sees them: the views that take this horizon."""

    ttl: Duration = default("60s")
    """The TTL of their records."""

    mode: Literal["authoritative", "overlay"] = "authoritative"
    """What becomes of the zone's other names, where no file declares it: they do not exist, or they are asked
    upstream."""

    @model_validator(mode="after")
    def _somewhere(self) -> LeasesSettings:
        if self.sockets and self.server != "kea":
            raise ValueError(f"expected files: {self.server} has no control socket for leases")
        if bool(self.files) == bool(self.sockets):
            expected = "either files or sockets" if self.server == "kea" else "files"
            raise ValueError(f"expected {expected}, found {'both' if self.files else 'none'}")
        return self


class SourcesSettings(Section):
    """What names there are beside those in zone files."""

    docker: Several[DockerSettings] = ()
    """Names that containers declare by their labels."""

    leases: Several[LeasesSettings] = ()
    """Hosts that have their addresses by DHCP."""

    @property
    def horizons(self) -> Iterator[tuple[marked.Path, str]]:
        """Every horizon that is written here, with its path in the configuration."""
        for at, containers in enumerate(self.docker):
            yield ("sources", "docker", at, "horizon"), containers.horizon
        for at, leases in enumerate(self.leases):
            yield ("sources", "leases", at, "horizon"), leases.horizon
