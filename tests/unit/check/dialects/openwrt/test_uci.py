"""UCI in its three forms says the same; what is not UCI is told with its place."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.openwrt.uci import MAX_TEXT_OCTETS, Section, read
from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError

FILE = """\
# a comment
config zone
	option name 'lan'   # another
	list network lan
	list network "lan2"

config rule 'it'
	option name 'It'\\''s "here"'
"""
EXPORT = "package firewall\n\n" + FILE
SHOW = """\
firewall.@zone[0]=zone
firewall.@zone[0].name='lan'
firewall.@zone[0].network='lan' 'lan2'
firewall.it=rule
firewall.it.name='It'\\''s "here"'
"""


def one(text: str, file: str = "firewall") -> list[Section]:
    return read([Printed(text, file)])


def said(sections: list[Section]) -> list[object]:
    return [
        (it.package, it.type, it.id, {name: option.values for name, option in it.options.items()})
        for it in sections
    ]


@pytest.mark.parametrize(("text", "file"), [(FILE, "etc/config/firewall"), (EXPORT, "all"), (SHOW, "x.txt")])
def test_files_exports_and_shows_say_the_same(text: str, file: str) -> None:
    assert said(one(text, file)) == [
        ("firewall", "zone", "@zone[0]", {"name": ("lan",), "network": ("lan", "lan2")}),
        ("firewall", "rule", "it", {"name": ("It's \"here\"",)}),
    ]


def test_a_section_knows_its_words_and_each_option_its_place() -> None:
    zone, rule = one(FILE)

    assert zone.words() == "firewall.@zone[0]=zone name='lan' network='lan' 'lan2'"
    assert str(zone.where) == "firewall:2:1"
    assert str(rule.options["name"].where) == "firewall:8:14"


def test_a_blank_of_unicode_is_part_of_a_word() -> None:
    (zone,) = one("config zone\n\toption name \u2003a\x85\n")

    assert zone.options["name"].values == ("\u2003a\x85",)


def test_secrets_are_not_said() -> None:
    (tunnel,) = one("config interface 'wg'\noption private_key 'abc'\noption proto 'wireguard'\n", "network")

    assert tunnel.words() == "network.wg=interface private_key=… proto='wireguard'"


def test_a_section_that_is_named_again_is_the_same_and_its_options_are_replaced() -> None:
    (zone,) = one("config zone 'a'\noption name x\nconfig zone 'a'\noption name y\nlist name z\n")

    assert zone.options["name"].values == ("y", "z")


def test_short_words_and_quotes_over_lines_are_taken() -> None:
    (zone,) = one('p firewall\nc zone\no name "a \\"b\n c"; l network x\\ y\n', "any")

    assert (zone.options["name"].values, zone.options["network"].values) == (('a "b\n c',), ("x y",))


@pytest.mark.parametrize(
    ("name", "package"),
    [("firewall", "firewall"), ("a/network", "network"), ("router-dhcp.txt", "dhcp"), ("dhcp.uci", "dhcp")],
)
def test_a_file_is_named_after_its_package(name: str, package: str) -> None:
    assert one("config x\n", name)[0].package == package


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "firewall:1:1: expected the files of /etc/config, or what uci export or uci show prints, found"),
        ("config\n", "firewall:1:1: expected config TYPE, or config TYPE NAME, found 'config'"),
        ("option a b\n", "firewall:1:1: expected a config line before option, found none"),
        ("config zone\noption a\n", "firewall:2:1: expected option NAME VALUE, found 'option a'"),
        ("config zone\noption 'a-b' c\n", "firewall:2:8: expected the name of an option, found 'a-b'"),
        ("config zone 'a b'\n", "firewall:1:13: expected the name of a section, found 'a b'"),
        ("config zone\n option name 'x\n", "firewall:2:14: expected a closing ', found the end of the text"),
        ("*nat\n", "firewall:1:1: expected package, config, option or list, found '*nat'"),
        ("config zone a\nconfig rule a\n", "firewall:2:1: expected zone, as a is at firewall:1:1, found"),
        ("firewall.a.b='c'\n", "firewall:1:1: expected firewall.a=TYPE before its options, found none"),
        ("firewall.a=zone\nwhat\n", "firewall:2:1: expected package.section.option='value', found"),
        ("firewall.a=zone\nfirewall.a.b='c\n", "firewall:2:1: expected a closing ', found the end"),
        ("firewall.a=zone\nfirewall.a.b=\n", "firewall:2:1: expected a value, found none"),
        ("#" * (MAX_TEXT_OCTETS + 1), "firewall:1:1: expected at most 8388608 characters, found 8388609"),
    ],
)
def test_what_is_no_uci_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        one(text)

    first = caught.value.exceptions[0]
    assert isinstance(first, ConfigError)
    assert str(first).startswith(message)


def test_a_file_without_a_package_needs_its_name() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        one("config zone\n", "-")

    assert "expected a package line before it" in str(caught.value.exceptions[0])
