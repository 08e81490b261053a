from __future__ import annotations

import base64

import pytest

from splitdns.web.door import HEADERS, Door

TOKEN = "correct horse battery"


def basic(password: str, user: str = "me") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:9153", True),
        ("127.0.0.1", True),
        ("[::1]:9153", True),
        ("[fd00::5]", True),
        ("localhost:9153", True),
        ("splitdns:9153", True),  # a container's or a service's; nobody can have such a name in public
        ("DNS.Example.org.:9153", True),
        ("dns.example.org.evil.example", False),
        ("rebound.example.net:9153", False),
        ("127.0.0.1.nip.example", False),
        ("localhost.evil.example", False),
        ("", False),
        (":9153", False),
    ],
)
def test_a_name_that_a_stranger_can_point_here_is_not_ours(host: str, known: bool) -> None:
    assert Door(open=True, names=frozenset({"dns.example.org"})).knows(host) is known


def test_only_this_machine_sees_names_without_a_token__semantics_30() -> None:
    assert Door(open=True).shows_names
    assert not Door(open=False).shows_names
    assert Door(open=False, token=TOKEN).shows_names
    assert not Door(open=True).may_change
    assert Door(open=False, token=TOKEN).may_change


def test_the_token_is_the_password_of_any_user__rfc7617() -> None:
    door = Door(open=False, token=TOKEN)

    assert door.admits(basic(TOKEN))
    assert door.admits(basic(TOKEN, user=""))
    assert not door.admits(basic("other"))
    assert not door.admits(basic(""))
    assert not door.admits("")
    assert not door.admits(f"Bearer {TOKEN}")
    assert not door.admits("Basic !!!")
    assert not door.admits("Basic é")
    assert Door(open=True).admits("")


def test_a_form_of_somebody_else_is_not_believed() -> None:
    door = Door(open=True, token=TOKEN)

    assert door.believes(door.form_key, "same-origin")
    assert door.believes(door.form_key, "")  # a browser that does not say so has the key all the same
    assert not door.believes(door.form_key, "cross-site")
    assert not door.believes("", "same-origin")
    assert not door.believes("é", "same-origin")
    assert Door(open=True).form_key != door.form_key


def test_nothing_from_elsewhere_is_loaded_and_nobody_frames_us() -> None:
    policy = HEADERS["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert HEADERS["x-frame-options"] == "DENY"
