"""What each dialect makes of the networks is complete: a Linux gateway can be given all of it."""

from __future__ import annotations

import subprocess

import pytest

from splitdns.check.gather import gather
from splitdns.errors import Where
from splitdns.load.gateway import GatewaySettings
from tests.check.everywhere.dialects import DIALECTS
from tests.check.everywhere.networks import NETWORKS
from tests.check.everywhere.test_everywhere import texts
from tests.lab.loaded import script


@pytest.mark.root
@pytest.mark.needs("nft", "unshare")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_model_of_every_network_is_loaded(dialect: str) -> None:
    written = DIALECTS[dialect]
    for network in NETWORKS:
        if network.number in written.cannot:
            continue
        gateway = gather(texts(network, written), GatewaySettings(), Where("splitdns.yaml"))
        rules = script(gateway.ruleset)
        done = subprocess.run(
            ("unshare", "--net", "nft", "-f", "-"), input=rules, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{network}: {done.stderr}\n{rules}"
