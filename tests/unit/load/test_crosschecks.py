"""Whether views, forward rules and listeners fit together."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.load.settings import read_settings


def mistakes(text: str) -> list[str]:
    with pytest.raises(ExceptionGroup) as caught:
        read_settings(text, "f")
    return [str(error) for error in caught.value.exceptions]


def views(**clients: str) -> str:
    """A configuration with these views; ``clients`` is YAML."""
    lines = [f"  {name}: {{clients: {text}, horizon: [inside]}}\n" for name, text in clients.items()]
    return "views:\n" + "".join(lines)


# --- Views ------------------------------------------------------------------------------------------------


def test_a_prefix_in_two_views_is_an_error() -> None:
    text = views(lan="[10.0.0.0/8]", vpn="[10.0.0.0/8, 10.8.0.0/24]")
    assert mistakes(text) == [
        "f:3:19: expected each prefix once, found 10.0.0.0/8 again; the first is on line 2, in 'lan'"
    ]


def test_a_view_whose_only_prefix_stands_in_another_is_told_of_it_once() -> None:
    assert mistakes(views(lan="[10.0.0.0/8]", vpn="[10.0.0.0/8]")) == [
        "f:3:19: expected each prefix once, found 10.0.0.0/8 again; the first is on line 2, in 'lan'"
    ]


def test_a_prefix_twice_in_one_view_is_an_error_also_in_disguise__rfc4291_2_5_5_2() -> None:
    text = views(lan='[10.0.0.0/8, "::ffff:10.0.0.0/104"]')
    assert mistakes(text) == [
        "f:2:31: expected each prefix once, found 10.0.0.0/8 again; the first is on line 2"
    ]


def test_any_in_two_views_is_an_error() -> None:
    assert mistakes(views(a="[any]", b="[10.0.0.0/8, any]")) == [
        "f:3:29: expected each prefix once, found any again; the first is on line 2, in 'a'"
    ]


UNREACHABLE = (
    "f:2:3: expected a view that some client can meet, found 'a', all of whose clients other views take"
)


@pytest.mark.parametrize(
    "text",
    [
        views(a="[10.0.0.0/8]", b="[10.0.0.0/9, 10.128.0.0/9]"),
        views(a="[10.0.0.0/8]", b="[10.0.0.0/9]", c="[10.128.0.0/10, 10.192.0.0/10, 10.192.0.0/11]"),
        views(a='["fd00::/8", 10.0.0.0/31]', b='["fd00::/9", "fd80::/9"]', c="[10.0.0.0, 10.0.0.1]"),
        views(a="[any]", b='[0.0.0.0/0, "::/0"]'),
    ],
)
def test_a_view_that_no_client_can_meet_is_an_error(text: str) -> None:
    assert mistakes(text) == [UNREACHABLE]


@pytest.mark.parametrize(
    "text",
    [
        views(a="[10.0.0.0/8]", b="[10.0.0.0/9, 10.128.0.0/10]"),
        views(a="[10.0.0.0/8, 10.128.0.0/9]", b="[10.0.0.0/9]"),
        views(a="[any]", b="[0.0.0.0/0]"),
        views(a="[any]", b='[0.0.0.0/1, 128.0.0.0/1, "::/0"]'),
        views(a="[0.0.0.0/0]", b='["::/0"]'),
    ],
)
def test_a_view_that_some_client_can_meet_is_none(text: str) -> None:
    read_settings(text, "f")


@given(st.data())
def test_reachability_is_what_longest_prefix_match_says(data: st.DataObject) -> None:
    prefix = st.builds(
        lambda bits, length: f"10.0.0.{bits >> (8 - length) << (8 - length)}/{24 + length}",
        st.integers(0, 255),
        st.integers(0, 8),
    )
    texts = data.draw(st.lists(prefix, min_size=1, max_size=12, unique=True))
    owners = {text: data.draw(st.sampled_from("abc")) for text in texts}
    by_view: dict[str, list[str]] = {}
    for client, view in owners.items():
        by_view.setdefault(view, []).append(client)
    networks = [(IPv4Network(text), view) for text, view in owners.items()]
    met = set()
    for last in range(256):
        address = IPv4Address(f"10.0.0.{last}")
        if matching := [one for one in networks if address in one[0]]:
            met.add(max(matching, key=lambda one: one[0].prefixlen)[1])
    text = views(**{view: f"[{', '.join(clients)}]" for view, clients in by_view.items()})
    if met == set(by_view):
        read_settings(text, "f")
    else:
        assert len(mistakes(text)) == len(set(by_view) - met)


@pytest.mark.parametrize("client", ["any", "0.0.0.0/0", "8.0.0.0/15", "'2001:d00::/31'", "'::/0'"])
def test_recursion_for_strangers_is_an_error_unless_it_is_meant__semantics_20(client: str) -> None:
    text = f"views: {{a: {{clients: [{client}], horizon: [inside], recursion: true"
    (found,) = mistakes(text + "}}")
    assert found.startswith("f:1:23: expected your own clients only in a view with recursion: true, found ")
    assert found.endswith("(if it is meant, say open_resolver: true)")
    assert read_settings(text + ", open_resolver: true}}", "f").views["a"].recursion


# --- Rules and listeners ------------------------------------------------------------------------------------

TWO_VIEWS = """\
views:
  lan: {clients: [10.0.0.0/8], horizon: [inside], recursion: true}
  net: {clients: [any], horizon: [outside]}
forward:
"""


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (
            "{domains: [.], upstreams: [192.0.2.1], views: [lam]}",
            "f:5:52: expected one of the views lan, net, found 'lam'; is 'lan' meant?",
        ),
        (
            "{domains: [.], upstreams: [192.0.2.1], views: [wifi]}",
            "f:5:52: expected one of the views lan, net, found 'wifi'",
        ),
        (
            "{domains: [.], upstreams: [192.0.2.1], views: [net]}",
            "f:5:52: expected a view with recursion: true, found 'net', which has none",
        ),
        ("{domains: [], upstreams: [192.0.2.1]}", "f:5:15: expected at least 1, found an empty list"),
        ("{domains: [.], upstreams: []}", "f:5:31: expected at least 1, found an empty list"),
        (
            "{domains: [a.example, A.example.], upstreams: [192.0.2.1]}",
            "f:5:27: expected each domain once, found a.example. again; the first is on line 5",
        ),
        (
            "{domains: [.], upstreams: [192.0.2.1, '127.0.0.1:5353']}",
            "f:5:43: expected another server, found 127.0.0.1:5353, where this one listens",
        ),
    ],
)
def test_a_rule_that_cannot_work_is_an_error(rule: str, found: str) -> None:
    assert mistakes(f"{TWO_VIEWS}  - {rule}\n") == [found]


def test_a_domain_in_two_rules_for_one_view_is_an_error() -> None:
    rule = "  - {domains: [.], upstreams: [192.0.2.1], views: [lan]}\n"
    assert mistakes(TWO_VIEWS + rule + rule) == [
        "f:6:16: expected each domain once for 'lan', found . again; the first is on line 5"
    ]


def test_a_rule_where_no_view_recurses_is_an_error() -> None:
    text = "forward:\n  - {domains: [.], upstreams: [192.0.2.1]}\n" + views(all="[any]")
    assert mistakes(text) == ["f:2:5: expected a view with recursion: true for this rule, found none"]


def test_an_address_to_listen_on_twice_is_an_error() -> None:
    assert mistakes("listen: ['127.0.0.1:53', '[::1]:53', '127.0.0.1']") == [
        "f:1:38: expected each address once, found 127.0.0.1:53 again"
    ]
    assert len(read_settings("listen: ['127.0.0.1:0', '127.0.0.1:0']", "f").listen) == 2


@pytest.mark.parametrize(
    ("listen", "upstream", "wrong"),
    [
        ("0.0.0.0:5300", "127.0.0.1:5300", True),
        ("0.0.0.0:5300", "127.9.9.9:5300", True),
        ("[::]:5300", "[::1]:5300", True),
        ("0.0.0.0:5300", "127.0.0.1:5301", False),
        ("[::]:5300", "127.0.0.1:5300", True),
        ("0.0.0.0:5300", "[::1]:5300", False),
        ("127.0.0.1:5300", "127.0.0.2:5300", False),
        ("0.0.0.0:5300", "192.0.2.1:5300", False),
    ],
)
def test_a_wildcard_address_is_asked_on_loopback_too(listen: str, upstream: str, wrong: bool) -> None:
    text = f"listen: ['{listen}']\nforward: [{{domains: [.], upstreams: ['{upstream}']}}]\n"
    if wrong:
        assert "where this one listens" in mistakes(text)[0]
    else:
        read_settings(text, "f")
