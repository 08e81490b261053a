from __future__ import annotations

import pytest

from splitdns.check.dialects.iptables_makers import maker

MADE = [
    ("-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT", "Docker"),
    ("-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "Docker"),
    ("-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE", "Docker"),
    ("-A FORWARD -o br-0123456789ab -j ACCEPT", "Docker"),
    ("-A DOCKER-USER -j RETURN", "Docker"),
    ("-A DOCKER-USER -i eth0 -j DROP", ""),
    ("-A KUBE-SVC-ABC -j KUBE-SEP-DEF", "kube-proxy"),
    ("-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT", "ufw"),
    ("-A INPUT -j ufw-before-input", "ufw"),
    ("-A INPUT -j INPUT_direct", "firewalld"),
    ("-A IN_public_allow -p tcp -m tcp --dport 22 -j ACCEPT", "firewalld"),
    ("-A INPUT_mine -j ACCEPT", ""),
    ("-A FORWARD -j LIBVIRT_FWX", "libvirt"),
    ("-A INPUT -p tcp -j f2b-sshd", "fail2ban"),
    ("-A FORWARD -j ACCEPT", ""),
    ("-A POSTROUTING -o br-lan -j MASQUERADE", ""),
]


@pytest.mark.parametrize(("text", "program"), MADE)
def test_a_program_is_known_by_its_chains(text: str, program: str) -> None:
    words = text.split()

    assert maker(words[1], words[-1], "", text) == program


def test_a_program_is_known_by_its_comments() -> None:
    assert maker("FORWARD", "ACCEPT", "!fw3: Zone wan", "-A FORWARD -j ACCEPT") == "OpenWrt's fw3"
    assert maker("FORWARD", "ACCEPT", "my own", "-A FORWARD -j ACCEPT") == ""
