import pytest

from splitdns.daemon.outlets import collector, rotation
from splitdns.load.settings import Settings, read_settings
from splitdns.serve.dnstap import Collector
from splitdns.serve.logfile import Rotation


def settings(text: str) -> Settings:
    return read_settings(text, "/etc/splitdns/splitdns.yaml")


def test_without_settings_there_are_none() -> None:
    assert rotation(settings("querylog: true")) is None
    assert collector(settings(""), "host") is None


def test_a_file_is_beside_the_configuration_and_has_its_limits() -> None:
    text = "querylog_file: {path: log/q.log, max_mib: 2, every: 1h, keep: 3}"

    assert rotation(settings(text)) == Rotation("/etc/splitdns/log/q.log", 2 * 1024 * 1024, 3600, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to: ./tap.sock", Collector("/etc/splitdns/tap.sock", "host")),
        ("to: /run/tap.sock, identity: false", Collector("/run/tap.sock", "")),
        ("to: '[::1]:6000', identity: ns1", Collector(("::1", 6000), "ns1")),
    ],
)
def test_a_collector_is_a_socket_or_an_address(text: str, expected: Collector) -> None:
    assert collector(settings(f"dnstap: {{{text}}}"), "host") == expected


@pytest.mark.parametrize("to", ["tap.sock", "127.0.0.1", "127.0.0.1:0", "host:6000", "7"])
def test_what_is_neither_is_a_mistake(to: str) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        settings(f"dnstap: {{to: {to}}}")

    (error,) = raised.value.exceptions
    assert "expected a path like /run/dnstap.sock, or an address like 127.0.0.1:6000" in str(error)
