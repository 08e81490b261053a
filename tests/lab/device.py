"""A gateway told by its own files: whether it fits a network of the lab, and what the check makes of it.

What a vendor's device exports is kept under a name for each state that it is in (``forward/export.rsc``),
laid where the configuration reads it (``gateway/export.rsc``), and read by the check as its user has it read.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path

from splitdns.check.check import Checked, check
from splitdns.check.fetch import fetch
from splitdns.check.gather import read_gateway
from splitdns.check.model import Gateway
from splitdns.load.gateway import GatewaySettings
from splitdns.load.load import Loaded, load
from tests.check.round_trip.dialects import DIALECTS
from tests.check.round_trip.printing import printed
from tests.lab.plan import Plan

LAID = "gateway"  # where configurations read what the gateway says of itself


@dataclass(frozen=True)
class Site:
    """A directory with configurations and zones, in which one state of the gateway has been laid."""

    directory: Path

    def lay(self, state: str) -> None:
        """Let the gateway say what the files under ``state`` say."""
        laid = self.directory / LAID
        shutil.rmtree(laid, ignore_errors=True)
        shutil.copytree(self.directory / state, laid)

    def gateway(self, config: str) -> Gateway:
        """The check's model of what is laid."""
        return read_gateway(self._loaded(config).settings, self.directory, commands=False)

    def checked(self, config: str) -> Checked:
        loaded = self._loaded(config)
        return check(self.gateway(config), _section(loaded), loaded)

    def mended(self, config: str, dialect: str) -> dict[str, str]:
        """The files by name, after what ``splitdns rules`` prints for what is laid is done to them.

        ``dialect`` may have the option ``--redirect-dns`` behind it.
        """
        loaded = self._loaded(config)
        texts = fetch(loaded.settings, self.directory, commands=False)
        names = [Path(one.file).name for one in _section(loaded).sources if one.file]
        name, *options = dialect.split()
        lines, _ = printed(self.checked(config), name, redirect_dns="--redirect-dns" in options)
        after = DIALECTS[name].apply(tuple(texts), lines)
        return {name: one.text for name, one in zip(names, after, strict=True)}

    def kept(self, state: str) -> dict[str, str]:
        """The files by name that are kept of a state."""
        return {path.name: path.read_text() for path in sorted((self.directory / state).iterdir())}

    def _loaded(self, config: str) -> Loaded:
        loaded = load(self.directory / config, generation=1, now_s=0.0)
        assert not loaded.faults, loaded.faults
        return loaded


def _section(loaded: Loaded) -> GatewaySettings:
    assert loaded.settings.gateway is not None
    return loaded.settings.gateway


def misfits(gateway: Gateway, plan: Plan, besides: Collection[str]) -> list[str]:
    """How the network that a device tells is not the plan's: interfaces and fixed addresses.

    Leased ones are the plan's to say; ``besides`` are interfaces that are not, such as tunnels.
    """
    told = {one.name: one for one in gateway.network.interfaces}
    wrong = []
    for own in plan.interfaces:
        there = told.pop(own.name, None)
        if there is None:
            wrong.append(f"the device has no {own.name}")
            continue
        addresses = {f"{one.address}/{one.prefix.prefixlen}" for one in there.addresses if not one.dynamic}
        if addresses and addresses != {str(ip_interface(one)) for one in own.addresses}:
            wrong.append(f"{own.name} has {', '.join(sorted(addresses))} there")
        if there.uplink is not own.uplink:
            wrong.append(f"{own.name} is {'an' if there.uplink else 'no'} uplink there")
    more = (name for name, one in told.items() if one.addresses and name not in besides)
    return wrong + [f"the plan has no {name}" for name in more]
