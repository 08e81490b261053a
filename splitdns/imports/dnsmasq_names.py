"""Records in dnsmasq.conf: each option that makes some, as entries (dnsmasq(8)).

What is asked of such a name beside them, dnsmasq forwards; that is what ``is_open`` says.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from splitdns.imports.dnsmasq_lines import Option
from splitdns.imports.entries import Entry, Found


class Names:
    """Collects entries; ``domain`` is that of ``domain=``, for names without one."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.aliases: list[Entry] = []
        self.targets: list[tuple[Option, str, str]] = []  # MX records, whose target may come later

    def host_record(self, option: Option, ttl_s: int | None) -> None:
        """``host-record=<name>[,<name>…],[<IPv4>],[<IPv6>][,<TTL>]``; ``expand-hosts`` is not for these."""
        names, addresses = [], []
        for at, one in enumerate(option.fields):
            address = _address(one)
            if address:
                addresses.append(address)
            elif one.isdecimal() and at == len(option.fields) - 1:
                ttl_s = int(one)
            elif one:
                names.append(one)
        if not names or not addresses:
            raise option.wrong("names and addresses", option.value)
        for value in addresses:
            rdtype = "AAAA" if ":" in value else "A"
            for name in names:
                self.add(option, name, rdtype, value, ttl_s=ttl_s, has_ptr=name == names[0] or None)

    def cname(self, option: Option, ttl_s: int | None) -> None:
        """``cname=<alias>,[<alias>,]<target>[,<TTL>]``."""
        fields = list(option.fields)
        if len(fields) > 2 and fields[-1].isdecimal():
            ttl_s = int(fields.pop())
        if len(fields) < 2 or not all(fields):
            raise option.wrong("aliases and a target", option.value)
        *aliases, target = fields
        for alias in aliases:
            self.aliases.append(Entry(_plain(alias), "CNAME", _full(target), option.where, ttl_s))

    def srv_host(self, option: Option, domain: str) -> None:
        """``srv-host=<_service>.<_prot>[.<domain>][,<target>[,<port>[,<priority>[,<weight>]]]]``."""
        name = option.field(0)
        if name.count(".") == 1 and domain:
            name = f"{name}.{domain}"
        if not name:
            raise option.wrong("a service's name", option.value)
        port, priority, weight = (option.field(at, usual) for at, usual in ((2, "1"), (3, "0"), (4, "0")))
        for number in (port, priority, weight):
            if not number.isdecimal() or int(number) > 0xFFFF:
                raise option.wrong("a number of 16 bits", number)
        target = option.field(1)
        value = f"{priority} {weight} {port} {_full(target)}" if target else "0 0 0 ."
        self.add(option, name, "SRV", value)

    def mx_host(self, option: Option) -> None:
        """``mx-host=<name>[[,<target>],<preference>]``; without a target, that of ``mx-target``."""
        target, preference = option.field(1), option.field(2, "1")
        if target.isdecimal() and len(option.fields) == 2:
            target, preference = "", target
        if not preference.isdecimal() or int(preference) > 0xFFFF:
            raise option.wrong("a preference of 16 bits", preference)
        self.targets.append((option, target, preference))

    def mail(self, target: str, found: Found) -> None:
        """The MX records, once it is known where mail goes."""
        for option, own, preference in self.targets:
            if own or target:
                self.add(option, option.field(0), "MX", f"{preference} {_full(own or target)}")
            else:
                message = f"left out: mail of {option.field(0)} goes to dnsmasq's own machine; name it"
                found.leave(option.where, message)

    def txt_record(self, option: Option) -> None:
        """``txt-record=<name>[,<text>…]``: one record of several strings."""
        texts = option.fields[1:] or ("",)
        if len(texts) == 1 and texts[0] and not texts[0].startswith('"') and texts[0].isascii():
            self.add(option, option.field(0), "TXT", texts[0])
            return
        escaped = (one.replace("\\", "\\\\").replace('"', '\\"') for one in texts)
        self.add(option, option.field(0), "TXT", " ".join(f'"{one}"' for one in escaped))

    def ptr_record(self, option: Option) -> None:
        """``ptr-record=<name>[,<target>]``."""
        if not option.field(1):
            raise option.wrong("a name and its target", option.value)
        self.add(option, option.field(0), "PTR", _full(option.field(1)))

    def caa_record(self, option: Option) -> None:
        """``caa-record=<name>,<flags>,<tag>,<value>``."""
        if len(option.fields) < 4:
            raise option.wrong("a name, flags, a tag and a value", option.value)
        value = ",".join(option.fields[3:]).replace("\\", "\\\\").replace('"', '\\"')
        self.add(option, option.field(0), "CAA", f'{option.field(1)} {option.field(2)} "{value}"')

    def naptr_record(self, option: Option) -> None:
        """``naptr-record=<name>,<order>,<preference>,<flags>,<service>,<regexp>[,<replacement>]``."""
        if len(option.fields) < 6:
            raise option.wrong("six fields or seven", option.value)
        flags, service, regexp = (one.replace("\\", "\\\\") for one in option.fields[3:6])
        numbers, target = f"{option.field(1)} {option.field(2)}", _full(option.field(6))
        value = f'{numbers} "{flags}" "{service}" "{regexp}" {target}'
        self.add(option, option.field(0), "NAPTR", value)

    def dns_rr(self, option: Option) -> None:
        """``dns-rr=<name>,<number of the type>,[<hex>]``."""
        octets = option.field(2).replace(" ", "").replace(":", "")
        number = option.field(1)
        if not number.isdecimal() or not 0 < int(number) < 0x10000:
            raise option.wrong("a type's number", number)
        try:
            size = len(bytes.fromhex(octets))
        except ValueError:
            raise option.wrong("hexadecimal digits", octets) from None
        self.add(option, option.field(0), f"TYPE{number}", f"\\# {size} {octets}".rstrip())

    def settle_aliases(self, found: Found) -> None:
        """Aliases of names that dnsmasq knows by itself; others it does not answer."""
        known = {one.name.lower() for one in self.entries}
        left = self.aliases
        while True:
            fine = [one for one in left if one.value.lower().rstrip(".") in known]
            if not fine:
                break
            known |= {one.name.lower() for one in fine}
            self.entries += fine
            left = [one for one in left if one not in fine]
        for one in left:
            message = f"left out: {one.name} is an alias of {one.value}, which dnsmasq does not know itself"
            found.leave(one.where, message)

    def add(
        self,
        option: Option,
        name: str,
        rdtype: str,
        value: str,
        *,
        ttl_s: int | None = None,
        has_ptr: bool | None = None,
    ) -> None:
        """An entry; a name is to be there.

        Raises:
            ConfigError: it is not.
        """
        if not _plain(name):
            raise option.wrong("a name", option.value)
        entry = Entry(_plain(name), rdtype, value, option.where, ttl_s, is_open=True, has_ptr=has_ptr)
        self.entries.append(entry)


RECORDS: dict[str, Callable[[Names, Option], None]] = {
    "mx-host": Names.mx_host,
    "txt-record": Names.txt_record,
    "ptr-record": Names.ptr_record,
    "caa-record": Names.caa_record,
    "naptr-record": Names.naptr_record,
    "dns-rr": Names.dns_rr,
}


def in_full(name: str, domain: str) -> list[str]:
    """A name as ``expand-hosts`` has it: a plain one is there with the domain first, if there is one."""
    return [f"{name}.{domain}", name] if domain and "." not in name else [name]


def seconds(option: Option) -> int:
    """The value as seconds.

    Raises:
        ConfigError: it is none.
    """
    if not option.value.isdecimal() or len(option.value) > 10:
        raise option.wrong("seconds", option.value)
    return int(option.value)


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _plain(name: str) -> str:
    return name.rstrip(".")


def _full(name: str) -> str:
    return f"{name.rstrip('.')}."


