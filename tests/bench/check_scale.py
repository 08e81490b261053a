"""How the exposure check grows: NAT rules, services and client networks, and what they cost.

    python -m tests.bench.check_scale            100 to 10,000 rules
    python -m tests.bench.check_scale 3000       only so many

Each gateway has fifty client networks, a tenth as many services as rules (each in a zone, with an inside and
an outside address), a forward for each service and many that nobody declared, hairpins and a filter. Every
size is measured in a process of its own, and includes reading everything: configuration, zones and rules.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NETWORKS = 50
SIZES = (100, 300, 1_000, 3_000, 10_000)

CONFIG = """\
views:
  lan:      {clients: [10.0.0.0/8], horizon: [inside], recursion: true}
  internet: {clients: [any],        horizon: [outside]}
zones: [zones]
forward: []
gateway:
  sources:
    - {dialect: iptables, file: rules.v4}
    - {dialect: ip-address, file: addresses.json}
    - {dialect: ip-route, file: routes.json}
    - {dialect: sysctl, file: sysctl.txt}
"""


def lay(directory: Path, rules: int) -> None:
    """Write a gateway with so many NAT rules, and all that belongs to it."""
    services = rules // 10
    (directory / "zones").mkdir()
    (directory / "splitdns.yaml").write_text(CONFIG)
    names = ["zone: example.com\nns: [ns.example.net.]\nrecords:\n"]
    forwards, hairpins = [], []
    for number in range(rules - NETWORKS):
        network, host = number % NETWORKS, 10 + number // NETWORKS % 200
        inside, outside = f"10.0.{network}.{host}", f"203.0.113.{10 + number % 200}"
        port = 1000 + number // 200
        match = f"-d {outside}/32 -p tcp -m tcp --dport {port}"
        forwards.append(f"-A PREROUTING {match} -j DNAT --to-destination {inside}:443\n")
        if number < services:
            names.append(
                f"  s{number}: {{A: {{inside: {inside}, outside: {outside}}}, "
                f"expose: [{{public: {port}/tcp, inside: 443/tcp}}]}}\n"
            )
    for network in range(NETWORKS):
        subnet = f"10.0.{network}.0/24"
        hairpins.append(f"-A POSTROUTING -s {subnet} -d {subnet} -p tcp -m tcp --dport 443 -j MASQUERADE\n")
    (directory / "zones" / "example.com.yaml").write_text("".join(names))
    (directory / "rules.v4").write_text(
        "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n"
        + "".join(forwards + hairpins)
        + "COMMIT\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n"
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        "-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n"
    )
    own = ["203.0.113.7", *(f"203.0.113.{10 + number}" for number in range(200))]
    links = [_link(2, "wan0", own, 24)]
    links += [_link(3 + number, f"vlan{number}", [f"10.0.{number}.1"], 24) for number in range(NETWORKS)]
    (directory / "addresses.json").write_text(json.dumps(links))
    (directory / "routes.json").write_text('[{"dst": "default", "gateway": "203.0.113.1", "dev": "wan0"}]')
    (directory / "sysctl.txt").write_text("net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 0\n")


def _link(index: int, name: str, addresses: list[str], length: int) -> dict[str, object]:
    infos = [{"family": "inet", "local": one, "prefixlen": length, "scope": "global"} for one in addresses]
    flags = ["BROADCAST", "UP", "LOWER_UP"]
    return {"ifindex": index, "ifname": name, "flags": flags, "operstate": "UP", "addr_info": infos}


def measure(rules: int) -> dict[str, float]:
    """Seconds and MiB of one check, in this process."""
    from splitdns.check.check import check
    from splitdns.check.fetch import fetch
    from splitdns.check.gather import gather
    from splitdns.load.load import load

    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        lay(directory, rules)
        started = time.perf_counter()
        loaded = load(directory / "splitdns.yaml", generation=1, now_s=0.0)
        settings = loaded.settings.gateway
        assert settings is not None
        texts = fetch(loaded.settings, directory, commands=False)
        read = time.perf_counter()
        gateway = gather(texts, settings, loaded.settings.where(("gateway",)))
        gathered = time.perf_counter()
        checked = check(gateway, settings, loaded)
        ended = time.perf_counter()
    return {
        "rules": rules,
        "services": len(checked.judgement.services),
        "cells": len(checked.judgement.cells),
        "findings": len(checked.findings),
        "read_s": gathered - started,
        "zones_s": read - started,
        "check_s": ended - gathered,
        "total_s": ended - started,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Print a line for each size, and by what power of the rules the time grows from each to the next."""
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    heads = ("rules", "services", "cells", "read s", "check s", "total s", "MiB", "power")
    print(" ".join(f"{head:>8}" for head in heads))
    former: dict[str, float] | None = None
    for size in sizes:
        program = f"from tests.bench.check_scale import *; print(json.dumps(measure({size})))"
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True, text=True)
        now = json.loads(done.stdout)
        power = ""
        if former is not None:
            grown = math.log(now["check_s"] / former["check_s"]) / math.log(now["rules"] / former["rules"])
            power = f"{grown:.2f}"
        print(
            f"{now['rules']:>8.0f} {now['services']:>8.0f} {now['cells']:>8.0f} {now['read_s']:>8.2f} "
            f"{now['check_s']:>8.2f} {now['total_s']:>8.2f} {now['mib']:>8.0f} {power:>8}",
            flush=True,
        )
        former = now


if __name__ == "__main__":
    main()
