"""What NSD or Knot refuses to load is an error, what either warns of is a warning (semantics 28).

Each case is one master file with one peculiarity. NSD and Knot load all of them, each zone for itself, and so
do we; what became of a zone is seen by asking for it, and in what the server printed.
"""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import dataclass

import pytest

from splitdns.load.load import Loaded, load
from splitdns.names import from_text, to_text
from tests.lab import peers
from tests.lab.machine import Here
from tests.lab.versions import documented_peers

pytestmark = [pytest.mark.needs("nsd", "knotd", "kzonecheck"), pytest.mark.xdist_group("loading")]

CONFIG = """\
listen: ["127.0.0.1:0"]
views:
  everyone: {clients: [any], horizon: [inside]}
zones: [zones/]
"""

OUTSIDE_SOA = "@ SOA ns.example. hostmaster 1 3600 900 604800 60\n"
HEAD = "$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 60\n@ NS ns\nns A 192.0.2.53\n"

# One peculiarity each, below the usual head; a text that begins with "-" stands without the head.
CASES = {
    "plain": "www A 192.0.2.1\n",
    "two-soas": "@ SOA ns other 2 3600 900 604800 60\n",
    "no-soa": "-$TTL 300\n@ NS ns\nns A 192.0.2.53\n",
    "soa-below-the-apex": "sub SOA ns hostmaster 1 3600 900 604800 60\n",
    "no-ns": "-$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 60\n",
    "cname-beside-a": "www A 192.0.2.1\nwww CNAME ns\n",
    "cname-at-the-apex": "@ CNAME www\n",
    "two-cnames": "www CNAME ns\nwww CNAME mail\n",
    "the-same-cname-twice": "www CNAME ns\nwww CNAME ns\n",
    "cname-beside-dname": "www CNAME ns\nwww DNAME ns\n",
    "two-dnames": "www DNAME a.example.\nwww DNAME b.example.\n",
    "data-beneath-a-dname": "www DNAME a.example.\nx.www A 192.0.2.1\n",
    "data-beneath-a-cut": "sub NS ns\nx.sub TXT occluded\n",
    "data-at-a-cut": "sub NS ns\nsub TXT occluded\n",
    "dname-at-the-apex": f"-$TTL 300\n{OUTSIDE_SOA}@ NS ns.example.\n@ DNAME example.\n",
    "wildcard-dname": "*.www DNAME a.example.\n",
    "wildcard-ns": "*.www NS ns\n",
    "out-of-zone": "www.example.com. A 192.0.2.1\n",
    "class-ch": "www CH A 192.0.2.1\n",
    "address-out-of-range": "www A 192.0.2.256\n",
    "address-too-short": "www A 192.0.2\n",
    "bad-aaaa": "www AAAA 2001:db8:::1\n",
    "long-label": f"{'x' * 64} A 192.0.2.1\n",
    "long-name": f"{'.'.join(['x' * 60] * 4)} A 192.0.2.1\n",
    "ttl-out-of-range": "www 4294967296 A 192.0.2.1\n",
    "ttl-with-the-sign-bit": "www 2147483648 A 192.0.2.1\n",
    "ttl-units": "www 1h30m A 192.0.2.1\n",
    "differing-ttls": "www 300 A 192.0.2.1\nwww 600 A 192.0.2.2\n",
    "the-same-record-twice": "www A 192.0.2.1\nwww A 192.0.2.1\n",
    "missing-glue": "sub NS ns.sub\n",
    "missing-address-of-the-apex-server": "@ NS nowhere\n",
    "missing-sibling-address": "sub NS nowhere\n",
    "ns-is-a-cname": "sub NS alias\nalias CNAME ns\n",
    "mx-is-a-cname": "@ MX 10 alias\nalias CNAME ns\n",
    "mx-does-not-exist": "@ MX 10 nowhere\n",
    "preference-out-of-range": "@ MX 65536 ns\n",
    "ds-without-ns": f"sub DS 1 13 2 {'ab' * 32}\n",
    "open-parenthesis": "www TXT (a\n",
    "stray-parenthesis": "www TXT a)\n",
    "open-quote": 'www TXT "a\n',
    "empty-txt": "www TXT\n",
    "long-txt": f'www TXT "{"x" * 256}"\n',
    "unknown-type": "www TYPE65280 \\# 4 01020304\n",
    "unknown-type-too-short": "www TYPE65280 \\# 4 010203\n",
    "unknown-mnemonic": "www NOSUCHTYPE 1\n",
    "generic-a": "www A \\# 4 c0000201\n",
    "generic-a-too-long": "www A \\# 5 c000020101\n",
    "trailing-words": "www A 192.0.2.1 192.0.2.2\n",
    "unknown-directive": "$NOSUCH 1\n",
    "include-of-nothing": "$INCLUDE nowhere.zone\n",
    "no-owner": "-$TTL 300\n IN SOA ns.example. hostmaster 1 3600 900 604800 60\n IN NS ns.example.\n",
    "svcb-key-twice": "www HTTPS 1 . port=443 port=444\n",
    "svcb-mandatory-missing": "www HTTPS 1 . mandatory=alpn port=443\n",
    "svcb-keys-out-of-order": "www HTTPS 1 . port=443 alpn=h2\n",
    "svcb-alias-with-keys": "www HTTPS 0 ns port=443\n",
    "caa-flag": "@ CAA 256 issue ca.example\n",
    "srv-short": "www SRV 1 2 3\n",
    "loc-out-of-range": "www LOC 91 0 0 N 4 0 0 E 0m\n",
    "rrsig-without-key": "www RRSIG A 13 3 300 20300101000000 20200101000000 1 @ AAAA\n",
    "nul-in-a-label": "a\\000b A 192.0.2.1\n",
    "decimal-escape-out-of-range": "a\\256b A 192.0.2.1\n",
    "double-dot": "a..b A 192.0.2.1\n",
    "upper-case": "WWW a 192.0.2.1\n",
    "ttl-after-class": "www IN 60 A 192.0.2.1\n",
    "no-ttl-anywhere": f"-{OUTSIDE_SOA}@ NS ns.example.\n",
}  # fmt: skip

# What we refuse though both load it, each with its reason; docs/differences.md has them too.
STRICTER = {
    "svcb-alias-with-keys": "parameters in AliasMode have no effect (RFC 9460 2.4.2)",
    "decimal-escape-out-of-range": "an octet ends at 255 (RFC 1035 5.1)",
}


@dataclass(frozen=True)
class Verdicts:
    """What NSD and Knot said to each case: ``refused`` and ``warned`` by either."""

    refused: dict[str, set[str]]
    warned: dict[str, set[str]]
    loaded: Loaded


def _apex(case: str) -> str:
    return f"{case}.test."


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    directory = tmp_path_factory.mktemp("loading")
    zones = directory / "zones"
    zones.mkdir()
    files = {}
    for case, text in CASES.items():
        files[_apex(case)] = zones / f"{_apex(case)}zone"
        body = text[1:] if text.startswith("-") else HEAD + text
        files[_apex(case)].write_text(f"$ORIGIN {_apex(case)}\n{body}")
    machine = Here(directory)
    refused: dict[str, set[str]] = {case: set() for case in CASES}
    warned: dict[str, set[str]] = {case: set() for case in CASES}
    try:
        for start in (peers.nsd, peers.knot):
            server = start(machine, files, ready=[_apex("plain")])
            deadline_s = time.monotonic() + 5  # Knot loads in the background
            for case in CASES:
                while not (served := peers.serves(server, machine, _apex(case))):
                    if time.monotonic() > deadline_s or _failed(server.daemon.output, case):
                        break
                    time.sleep(0.01)
                if not served:
                    refused[case].add(server.name)
                if _warned(server.daemon.output, case):
                    warned[case].add(server.name)
    finally:
        machine.stop()
    for case in CASES:  # the server keeps quiet about most that its checker tells
        argv = ["kzonecheck", "-o", _apex(case), str(files[_apex(case)])]
        checked = subprocess.run(argv, capture_output=True, text=True)
        if "Error summary" in checked.stdout + checked.stderr:
            warned[case].add("Knot")
    config = directory / "splitdns.yaml"
    config.write_text(CONFIG)
    return Verdicts(refused, warned, load(config, previous=None, generation=1, now_s=1_700_000_000.0))


def _failed(printed: str, case: str) -> bool:
    apex = re.escape(_apex(case))
    failed = rf"\[{apex}\] zone event 'load' failed|zone {apex} .* read with \d+ errors"
    return bool(re.search(failed, printed))


def _warned(printed: str, case: str) -> bool:
    apex = re.escape(_apex(case))
    return bool(re.search(rf"warning: (\[{apex}\] check|\S*/{apex}zone:)", printed))


@documented_peers
@pytest.mark.parametrize("case", CASES)
def test_what_nsd_or_knot_refuses_to_load_is_an_error__semantics_28(case: str, verdicts: Verdicts) -> None:
    faults = {to_text(apex): errors for apex, errors in verdicts.loaded.faults.items()}
    refused = _apex(case) in faults
    if case in STRICTER:
        assert (refused, verdicts.refused[case]) == (True, set()), STRICTER[case]
    else:
        assert refused == bool(verdicts.refused[case]), (verdicts.refused[case], faults.get(_apex(case)))


@pytest.mark.parametrize("case", CASES)
def test_what_nsd_or_knot_warns_of_is_a_warning__semantics_28(case: str, verdicts: Verdicts) -> None:
    if from_text(_apex(case)) in verdicts.loaded.faults:
        return  # more than a warning
    if verdicts.warned[case]:
        said = [str(warning) for warning in verdicts.loaded.warnings]
        assert any(f"/{_apex(case)}zone" in line for line in said), verdicts.warned[case]
