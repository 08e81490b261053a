from __future__ import annotations

import pytest

from splitdns.load.expose import forwarded, port, translated


@pytest.mark.parametrize("text", ["443/tcp", "443/udp", "1/tcp", "65535/udp", "8000-8100/tcp"])
def test_a_port_is_read_and_written_alike(text: str) -> None:
    assert str(port(text)) == text


@pytest.mark.parametrize(
    "found", ["443", "tcp/443", "0/tcp", "65536/tcp", "2-1/tcp", "443/sctp", "443/TCP", "", 443, None, True]
)
def test_what_is_no_port_is_refused(found: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        port(found)


def test_ports_may_be_translated() -> None:
    public, inside = translated("25565/tcp", "25566/tcp")
    assert (str(public), str(inside)) == ("25565/tcp", "25566/tcp")


@pytest.mark.parametrize(
    ("public", "inside", "message"),
    [
        ("443/tcp", "443/udp", "one protocol"),
        ("8000-8001/tcp", "80/tcp", "as many ports"),
        ("443/tcp", None, "a port such as"),
    ],
)
def test_translated_ports_must_fit_together(public: object, inside: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        translated(public, inside)


@pytest.mark.parametrize(
    ("text", "public", "inside"),
    [
        ("443/tcp", "443/tcp", "443/tcp"),
        ("443:8443/tcp", "443/tcp", "8443/tcp"),
        ("8000-8001:9000-9001/udp", "8000-8001/udp", "9000-9001/udp"),
    ],
)
def test_ports_may_be_forwarded_in_docker_s_order(text: str, public: str, inside: str) -> None:
    assert tuple(map(str, forwarded(text))) == (public, inside)


@pytest.mark.parametrize(
    "text", ["443", "443:tcp", "443:8443", "192.0.2.1:443:8443/tcp", "1-2:3/tcp", None, 443]
)
def test_what_is_not_forwarded_is_told(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        forwarded(text)


@pytest.mark.parametrize(
    ("found", "meant"),
    [(80, "80/tcp"), ("80", "80/tcp"), ("80-90", "80-90/tcp"), ("443/TCP", "443/tcp"), ("1:2", "1:2/tcp"),
     ("1:2/UDP", "1:2/udp")],
)  # fmt: skip
def test_a_port_without_its_protocol_is_answered_with_what_may_be_meant(found: object, meant: str) -> None:
    with pytest.raises(ValueError, match=f"; is {meant} meant"):
        forwarded(found)


@pytest.mark.parametrize("found", [True, None, "tcp/80", "80/sctp", "80:tcp"])
def test_what_may_mean_anything_is_not_guessed_at(found: object) -> None:
    with pytest.raises(ValueError, match="expected a port") as told:
        forwarded(found)
    assert "meant" not in str(told.value)
