"""Who made a rule: programs leave their names in chains, and in comments."""

from __future__ import annotations

import re
from functools import lru_cache

# The beginning of a chain's name, and the program whose chains are called so. DOCKER-USER is for a person's
# rules, and so is what ufw takes from its user.
_CHAINS = (
    ("DOCKER", "Docker"),
    ("KUBE-", "kube-proxy"),
    ("CILIUM_", "Cilium"),
    ("OLD_CILIUM_", "Cilium"),
    ("cali-", "Calico"),
    ("FLANNEL-", "Flannel"),
    ("WEAVE", "Weave"),
    ("CNI-", "CNI"),
    ("NETAVARK", "Podman"),
    ("ufw", "ufw"),
    ("IN_", "firewalld"),
    ("FWD_", "firewalld"),
    ("FWDI_", "firewalld"),
    ("FWDO_", "firewalld"),
    ("OUT_", "firewalld"),
    ("POST_", "firewalld"),
    ("PRE_", "firewalld"),
    ("INPUT_", "firewalld"),
    ("FORWARD_", "firewalld"),
    ("OUTPUT_", "firewalld"),
    ("PREROUTING_", "firewalld"),
    ("POSTROUTING_", "firewalld"),
    ("LIBVIRT_", "libvirt"),
    ("f2b-", "fail2ban"),
    ("fail2ban-", "fail2ban"),
    ("sshguard", "sshguard"),
    ("ts-", "Tailscale"),
    ("MINIUPNPD", "miniupnpd"),
    ("ISTIO_", "Istio"),
    ("ACCESS_RESTRICTION", "the router's firmware"),
)
_FIREWALLD = re.compile(r"(direct|ZONES(_SOURCE)?|POLICIES_(pre|post))$|^(IN|FWD|FWDI|FWDO|PRE|POST|OUT)_")
_COMMENTS = (
    (re.compile(r"^!fw3"), "OpenWrt's fw3"),
    (re.compile(r"^kubernetes |kube-proxy"), "kube-proxy"),
    (re.compile(r"^cali:"), "Calico"),
    (re.compile(r"generated for LXD network|^generated for Incus"), "LXD"),
    (re.compile(r"^PVE|^PVESIG"), "Proxmox VE"),
)
_DOCKER_BRIDGE = re.compile(r" (docker0|docker_gwbridge|br-[0-9a-f]{12})( |$)")


def maker(chain: str, target: str, comment: str, text: str) -> str:
    """The program that made a rule in ``chain``; empty: a person, for all we know."""
    for pattern, name in _COMMENTS:
        if comment and pattern.search(comment):
            return name
    if chain == "DOCKER-USER":
        return "Docker" if text.endswith(("-A DOCKER-USER -j RETURN", "DOCKER-USER -m comment")) else ""
    for one in (chain, target):
        if found := _of_chain(one):
            return found
    return "Docker" if _DOCKER_BRIDGE.search(text) else ""


@lru_cache(maxsize=4096)
def _of_chain(name: str) -> str:
    for begin, program in _CHAINS:
        if name.startswith(begin) and (program != "firewalld" or _FIREWALLD.search(name)):
            return program
    return ""
