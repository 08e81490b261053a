"""``splitdns rules``: a shell script that cures, and one that takes it back."""

from __future__ import annotations

from pathlib import Path

from tests.check.world import filtered
from tests.unit.cli.conftest import Run
from tests.unit.cli.gateway import RULES, lay

PLAIN = "zone: example.com\nns: [ns.example.net.]\nrecords:\n  www: {A: $wan4, expose: [443/tcp]}\n"


def test_a_cure_is_printed_with_what_would_be_better(run: Run, desk: Path) -> None:
    lay(desk)
    (desk / "zones" / "example.com.yaml").write_text(PLAIN)

    result = run("rules", "--dialect", "iptables")

    assert result.exit_code == 1, "the gateway's own pages are open to all, and that is a person's to decide"
    head, better, command, *beyond = result.stdout.splitlines()
    assert any(line.startswith("# the gateway: EXP-ADMIN") for line in beyond)
    assert "# no rule is offered: drop it in the input chain for the uplink" in beyond
    assert head == "# www.example.com. 443/tcp: HP-MISSING"
    assert better.startswith("# better than a rule: tell these clients the inside address")
    assert command.startswith("iptables -t nat -I POSTROUTING -s 192.168.10.0/24 -d 192.168.10.20")


def test_undo_takes_back_what_was_printed(run: Run, desk: Path) -> None:
    lay(desk)
    (desk / "zones" / "example.com.yaml").write_text(PLAIN)

    assert run("rules", "--undo").stdout.splitlines()[-1] == "nft delete table ip splitdns"


def test_a_chain_that_iptables_keeps_is_changed_by_iptables(run: Run, desk: Path) -> None:
    lay(desk, RULES + filtered("-A FORWARD -i lan0 -j ACCEPT\n"))

    printed = run("rules", "--dialect", "nftables").stdout

    assert "iptables -t filter -I FORWARD" in printed
    assert "nft insert" not in printed


def test_what_no_rule_cures_is_a_comment_and_a_status(run: Run, desk: Path) -> None:
    lay(desk)  # old.example.com: the zones do not say who serves it

    result = run("rules")

    assert "# no rule is offered: the zones do not say where the service is" in result.stdout
    assert result.exit_code == 1


def test_names_that_share_a_cure_get_it_once(run: Run, desk: Path) -> None:
    lay(desk)
    blog = "  blog: {A: $wan4, expose: [443/tcp]}\n"
    (desk / "zones" / "example.com.yaml").write_text(PLAIN + blog)

    done, undone = (run("rules", *undo).stdout.splitlines() for undo in ((), ("--undo",)))

    for lines in (done, undone):
        commands = [line for line in lines if not line.startswith("#")]
        assert commands
        assert len(commands) == len(set(commands))
        assert "# the same as before" in lines


def test_dns_is_led_here_on_request(run: Run, desk: Path) -> None:
    lay(desk)

    plain, led = (run("rules", *words).stdout.splitlines() for words in ((), ("--redirect-dns",)))

    assert not any("dport 53" in line for line in plain)
    heads = [line for line in led if line.startswith("# DNS of ")]
    assert heads
    for protocol in ("udp", "tcp"):
        assert any(line.startswith("nft add rule") and f"{protocol} dport 53" in line for line in led)
