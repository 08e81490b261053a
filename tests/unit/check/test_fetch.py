from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.fetch import Text, fetch
from splitdns.load.gateway import Dialect
from splitdns.load.settings import Settings, read_settings


def settings(*sources: str) -> Settings:
    lines = "".join(f"    - {source}\n" for source in sources)
    return read_settings(f"gateway:\n  sources:\n{lines}", "f")


def test_files_are_relative_to_the_configuration_and_commands_run_without_a_shell(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("*nat\n")

    texts = fetch(
        settings("{dialect: iptables, file: rules}", "{dialect: ipset, command: [echo, $HOME, '; id']}"),
        tmp_path,
        commands=True,
    )

    assert texts == [
        Text(Dialect.IPTABLES, str(tmp_path / "rules"), "*nat\n"),
        Text(Dialect.IPSET, "echo '$HOME' '; id'", "$HOME ; id\n"),
    ]


def test_every_source_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "latin1").write_bytes(b"caf\xe9")

    with pytest.raises(ExceptionGroup) as caught:
        fetch(
            settings(
                "{dialect: iptables, file: missing}",
                "{dialect: iptables, file: latin1}",
                "{dialect: iptables, command: [sh, -c, 'echo no >&2; exit 3']}",
                "{dialect: iptables, command: [no-such-command]}",
                "{dialect: nftables, command: [sh, -c, 'echo {}; echo netlink: Error: x >&2']}",
                "{dialect: iptables, ssh: -oProxyCommand=id}",
            ),
            tmp_path,
            commands=True,
        )

    assert [str(error) for error in caught.value.exceptions] == [
        f"f:3:7: cannot read {tmp_path}/missing: No such file or directory",
        f"f:4:7: {tmp_path}/latin1 is not UTF-8 at octet 3",
        "f:5:7: `sh -c 'echo no >&2; exit 3'` exited with 3: no",
        "f:6:7: cannot run `no-such-command`: No such file or directory",
        "f:7:7: `sh -c 'echo {}; echo netlink: Error: x >&2'` could not print all of the rules: "
        "a newer nft may",
        "f:8:7: expected a host, found '-oProxyCommand=id'",
    ]


def test_the_server_runs_no_commands__semantics_23(tmp_path: Path) -> None:
    for source in ("{dialect: iptables, command: [id]}", "{dialect: iptables, ssh: gw}"):
        with pytest.raises(ExceptionGroup, match="sources") as caught:
            fetch(settings(source), tmp_path, commands=False)
        assert "the server runs no commands" in str(caught.value.exceptions[0])
