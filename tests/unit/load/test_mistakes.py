"""Mistakes of types and keys, in our words and at their places."""

from __future__ import annotations

import pytest

from splitdns.load.sections import ViewSettings
from splitdns.load.settings import Settings, read_settings


def mistakes(text: str) -> list[str]:
    with pytest.raises(ExceptionGroup) as caught:
        read_settings(text, "f")
    return [str(error) for error in caught.value.exceptions]


KNOWN = ", ".join(Settings.model_fields)
KNOWN_OF_A_VIEW = ", ".join(ViewSettings.model_fields)

MISTAKES = {
    "listn: []\n": [f"f:1:1: 'listn' is not a setting here; known: {KNOWN}; is 'listen' meant?"],
    "colour: red\n": [f"f:1:1: 'colour' is not a setting here; known: {KNOWN}"],
    "views:\n  lan:\n    client: [any]\n    clients: [any]\n    horizon: [inside]\n": [
        f"f:3:5: 'client' is not a setting here; known: {KNOWN_OF_A_VIEW}; is 'clients' meant?"
    ],
    "tcp: {timeout: 5s}": [
        "f:1:7: 'timeout' is not a setting here; known: connections, connections_per_client, idle_timeout, "
        "message_timeout; is 'idle_timeout' meant?"
    ],
    "forward:\n  - {domain: [.], domains: [.], upstreams: [192.0.2.1]}": [
        "f:2:6: 'domain' is not a setting here; "
        "known: domains, upstreams, strategy, validate, views; is 'domains' meant?"
    ],
    "admin: {listen: '127.0.0.1:1', tls: true}": [
        "f:1:32: 'tls' is not a setting here; known: listen, token_file, names",
    ],
    "views:\n  lan: {clients: [any]}\n": ["f:2:3: expected the setting 'horizon' here, found none"],
    "forward:\n  - upstreams: [192.0.2.1]\n": ["f:2:5: expected the setting 'domains' here, found none"],
    "wan: 198.51.100.7": ["f:1:6: expected a mapping, found '198.51.100.7'; is {ipv4: 198.51.100.7} meant?"],
    "wan: 2001:db8::7": ["f:1:6: expected a mapping, found '2001:db8::7'; is {ipv6: 2001:db8::7} meant?"],
    "wan: 192.168.1.7": ["f:1:6: expected a mapping, found '192.168.1.7'"],
    "wan:": ["f:1:5: expected a mapping, found nothing"],
    "admin: null": ["f:1:8: expected a mapping, found nothing; is {listen: null} meant?"],
    "admin: '[::1]:53'": ["f:1:8: expected a mapping, found '[::1]:53'; is {listen: '[::1]:53'} meant?"],
    "admin: false": ["f:1:8: expected a mapping, found false"],
    "tcp: 7": ["f:1:6: expected a mapping, found 7"],
    "views: {}": ["f:1:8: expected at least 1, found an empty mapping"],
    "views:\n": ["f:1:7: expected a mapping, found nothing"],
    "views: [lan]": ["f:1:8: expected a mapping, found a list"],
    "views: {lan: inside}": ["f:1:14: expected a mapping, found 'inside'"],
    "views: {a b: {clients: [any], horizon: [inside]}}": [
        "f:1:9: expected the name of a view, of letters, digits, - and _, found 'a b'"
    ],
    "views: {lan: {clients: [], horizon: []}}": [
        "f:1:24: expected at least 1, found an empty list",
        "f:1:37: expected at least 1, found an empty list",
    ],
    "views: {lan: {clients: any, horizon: inside}}": [
        "f:1:24: expected a list, found 'any'; a list of it is [any]",
        "f:1:38: expected a list, found 'inside'; a list of it is [inside]",
    ],
    "querylog: yes": ["f:1:11: expected true or false, found 'yes'"],
    "querylog: 1": ["f:1:11: expected true or false, found 1"],
    "edns_payload: 0x500": ["f:1:15: expected a whole number, found '0x500'"],
    "edns_payload: 01232": ["f:1:15: expected a whole number, found '01232'"],
    "edns_payload: true": ["f:1:15: expected a whole number, found true"],
    "edns_payload: 511": ["f:1:15: expected at least 512, found 511"],
    "edns_payload: 4097": ["f:1:15: expected at most 4096, found 4097"],
    "log: {format: xml}": ["f:1:15: expected text or json, found 'xml'"],
    "log: {level: 3}": ["f:1:14: expected debug, info, warning or error, found 3"],
    "log:": ["f:1:5: expected a mapping, found nothing"],
    "admin: '127.0.0.1:9153'": ["f:1:8: expected a mapping, found '127.0.0.1:9153'"],
    "gateway: x": ["f:1:10: expected a mapping, found 'x'"],
    "tcp: {connections: 0}": ["f:1:20: expected at least 1, found 0"],
    "tcp: {idle_timeout: soon}": ["f:1:21: expected a duration like 10s, 5m or 1h30m, found 'soon'"],
    "listen: []": ["f:1:9: expected at least 1, found an empty list"],
    "listen: ['127.0.0.1:70000']": [
        "f:1:10: expected a port from 0 to 65535, found '70000' in '127.0.0.1:70000'"
    ],
    "- a": ["f:1:1: expected settings, like 'listen: …', found a list"],
    "hello": ["f:1:1: expected settings, like 'listen: …', found 'hello'"],
    "wan: {ipv4: 100.64.0.1}": [
        "f:1:13: expected a public IPv4 address, like 203.0.113.7, found 100.64.0.1: it belongs to the "
        "provider (carrier-grade NAT, RFC 6598), and cannot be reached from the internet"
    ],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_says_where_and_what_was_expected_and_found(text: str) -> None:
    assert mistakes(text) == MISTAKES[text]
