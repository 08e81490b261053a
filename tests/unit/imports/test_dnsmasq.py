"""What dnsmasq.conf says around its names: files, flags, whom it serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.dnsmasq import found_in
from splitdns.imports.entries import Found
from splitdns.imports.service import Service

QUIET = "no-hosts\nbogus-priv\nserver=9.9.9.9\n"


def found(text: str, beside: Path = Path()) -> tuple[Found, Service]:
    made = found_in(Printed(QUIET + text, "d.conf"), beside)
    assert made.service is not None
    return made, made.service


def test_files_that_it_names_are_read(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.conf").write_text("host-record=a.example,10.0.0.1\n")
    (tmp_path / "more" / "b.bak").write_text("host-record=b.example,10.0.0.1\n")
    (tmp_path / "hosts").write_text("10.0.0.2 c\n0.0.0.0 ads.example\n")
    (tmp_path / "resolv").write_text("nameserver 9.9.9.10\n")
    made, service = found(
        "conf-dir=more,*.conf\naddn-hosts=hosts\nresolv-file=resolv\ndomain=lan\nexpand-hosts\n", tmp_path
    )

    assert [one.name for one in made.entries] == ["c.lan", "c", "a.example"]
    assert service.forward[0].upstreams == ("9.9.9.9", "9.9.9.10")
    assert service.lists["hosts4"].lines == ["ads.example"]
    assert made.left[1:] == []


def test_a_file_that_names_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("conf-file=a\n")

    with pytest.raises(ExceptionGroup) as caught:
        found("conf-file=a", tmp_path)
    assert "files that name files, 10 deep at most" in str(caught.value.exceptions[0])


def test_whom_it_serves_and_how() -> None:
    made, service = found(
        "listen-address=127.0.0.1,::1\nport=5300\nstop-dns-rebind\nrebind-domain-ok=/a/b/\ndnssec\nlog-queries\n"
        "server=9.9.9.10\n"
    )
    view = service.views["inside"]

    assert service.listen == ["127.0.0.1:5300", "[::1]:5300"]
    assert (view.recursion, view.is_protected, view.validate) == (True, True, True)
    assert view.allowed == ["a", "b"]
    assert service.querylog
    assert service.forward[0].strategy == "fastest"
    assert [one.message for one in made.left] == [
        "every client was answered; here, those of private networks are: see `views`"
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dhcp-host=x,1.2.3.4",
         "dhcp-host is left out: it hands out addresses; the names of its leases are read from its lease "
         "file"),
        ("colour=red", "'colour' is not known here, and left out"),
        ("alias=1.2.3.4,5.6.7.8", "alias is left out: no address is translated here"),
        ("domain=x.example,10.0.0.0/24", "left out: names in a network's own domain; write them in full"),
        ("listen-address=x", "left out: expected an address to listen at, found 'x'"),
        ("mx-host=a.example", "left out: mail of a.example goes to dnsmasq's own machine; name it"),
    ],
)  # fmt: skip
def test_what_is_not_carried_over_is_told(line: str, message: str) -> None:
    made, _ = found(line)

    assert [str(one) for one in made.left if one.where.line] == [f"d.conf:4:1: warning: {message}"]


def test_a_local_domain_of_a_network_is_closed() -> None:
    made, _ = found("domain=lan,192.168.1.0/24,local\nhost-record=a.lan,192.168.1.1")

    assert set(made.closed) == {"lan"}


def test_plain_names_are_closed_where_they_need_a_domain() -> None:
    made, _ = found("domain-needed\nhost-record=NAS,192.168.1.1")

    assert set(made.closed) == {"nas"}


def test_without_servers_the_rest_is_told() -> None:
    made = found_in(Printed("server=/a.example/10.0.0.1", "d.conf"), Path())

    assert all(str(one).startswith("d.conf: warning: ") for one in made.left)
    assert [one.message for one in made.left] == [
        "every client was answered; here, those of private networks are: see `views`",
        "all other names were asked where resolv.conf says: write a rule for `.` under `forward`, or they "
        "are refused",
        "the machine's own /etc/hosts was answered from, too: import it by `--from hosts`",
        "names of private addresses were forwarded; here they never are, without a rule",
    ]


@pytest.mark.parametrize("line", ["port=x", "port=70000", "conf-file=", "domain=lan,x,local"])
def test_what_dnsmasq_refuses_is_a_mistake(line: str) -> None:
    with pytest.raises(ExceptionGroup):
        found(line)
