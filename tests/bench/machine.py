"""What the figures were taken on, and whose they are."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

from tests.lab import peers

_OURS = (sys.executable, "-m", "splitdns", "--version")
_VERSIONS = {
    "NSD": ("nsd", "-v"),
    "Knot": ("knotd", "-V"),
    "Unbound": ("unbound", "-V"),
    "dnsmasq": ("dnsmasq", "-v"),
    "BIND": ("named", "-v"),
    "dnsdist": ("dnsdist", "--version"),
    "Knot Resolver": ("kresd", "-V"),
    "PowerDNS Recursor": ("pdns_recursor", "--version"),
    "PowerDNS": ("pdns_server", "--version"),
}
_VERSION = re.compile(r"(?<![\d.:])\d+\.\d+(?:\.\d+)*")


def description() -> dict[str, object]:
    """Processor, cores, memory, kernel, Python, and the servers that are installed."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown",
    )
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "processor": model,
        "cores": sum(1 for _ in Path("/sys/devices/system/cpu").glob("cpu[0-9]*")),
        "memory_gib": round(memory_kib / 2**20),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "splitdns": ", ".join(_said(*_OURS).splitlines()),
        **{
            name: _VERSION.findall(_said(*argv))[0]
            for name, argv in _VERSIONS.items()
            if not peers.missing(argv[0])
        },
    }


def is_accelerated() -> bool:
    """Whether our accelerator was built."""
    return "accelerator: none" not in _said(*_OURS)


def _said(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip()
