"""A network gives the same findings in whatever dialect its gateway is written."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from splitdns.check.fetch import Text
from splitdns.check.finding import Finding
from splitdns.load.gateway import Dialect
from tests.check.everywhere.dialects import DIALECTS, Written
from tests.check.everywhere.networks import NETWORKS, Network
from tests.check.everywhere.site import checked
from tests.check.lines import line

HERE = Path(__file__).parent
PAIRS = [
    pytest.param(network, dialect, id=f"{network.number}-{dialect}")
    for network in NETWORKS
    for dialect, written in DIALECTS.items()
    if network.number not in written.cannot
]


def texts(network: Network, written: Written) -> list[Text]:
    """What the gateway's files say."""
    paths = ((of, HERE / path.format(n=network.number, shape=network.shape)) for of, path in written.sources)
    return [Text(Dialect(of), path.name, path.read_text()) for of, path in paths]


def shown(finding: Finding, names: dict[str, str]) -> str:
    """As in ``Network.findings``; interfaces by their ``names``."""
    clients = (" ".join(names.get(word, word) for word in one.split()) for one in finding.clients)
    return line(finding.severity, finding.code, finding.subject, clients)


@pytest.mark.parametrize(("network", "dialect"), PAIRS)
def test_the_same_network_gives_the_same_findings(network: Network, dialect: str, tmp_path: Path) -> None:
    written = DIALECTS[dialect]
    found = checked(network, texts(network, written), tmp_path).findings

    names = {theirs: ours for ours, theirs in written.names.items()}
    expected = Counter(network.findings)
    if (differs := written.differs.get(network.number)) is not None:
        expected = expected + Counter(differs.more) - Counter(differs.fewer)
    explained = "\n".join(f"{one.code} {one.message}" for one in found)
    seen = Counter(shown(one, names) for one in found)
    assert sorted(seen.elements()) == sorted(expected.elements()), f"{network.forwards}\n{explained}"


def test_every_network_is_a_different_one() -> None:
    assert [network.number for network in NETWORKS] == list(range(1, len(NETWORKS) + 1))
    assert len({network.findings for network in NETWORKS}) == len(NETWORKS) > 8


def test_what_a_dialect_cannot_do_is_told() -> None:
    for dialect, written in DIALECTS.items():
        for number, reason in written.cannot.items():
            assert reason, (dialect, number)
        for number, differs in written.differs.items():
            assert differs.because, (dialect, number)
            assert set(differs.fewer) <= set(NETWORKS[number - 1].findings), (dialect, number)
            assert {*differs.more, *differs.fewer}, (dialect, number)


@pytest.mark.root
@pytest.mark.needs("nft", "unshare")
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_the_rules_of_nftables_are_what_nft_lists(network: Network) -> None:
    rules = HERE / "nftables" / f"{network.number}.nft"
    listed = subprocess.run(
        ("unshare", "--net", "sh", "-c", 'nft -f "$1" && nft -j -a list ruleset', "sh", str(rules)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert listed.returncode == 0, listed.stderr
    ours = json.loads(rules.with_suffix(".json").read_text())["nftables"]
    assert ours == [one for one in json.loads(listed.stdout)["nftables"] if "metainfo" not in one]


@pytest.mark.root
@pytest.mark.needs("iptables", "unshare")
@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_the_rules_of_iptables_are_loaded(network: Network) -> None:
    rules = (HERE / "iptables" / f"{network.number}.rules").read_text()
    done = subprocess.run(
        ("unshare", "--net", "iptables-restore"), input=rules, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
