"""What becomes of each menu of an export: which are read, which decide nothing, which are named."""

from __future__ import annotations

from splitdns.check.dialects.routeros.config import Config, Item
from splitdns.check.model import Support

READ = frozenset({
    "interface bridge", "interface bridge port", "interface bridge settings", "interface ethernet",
    "interface list", "interface list member", "interface vlan", "interface bonding", "interface vrrp",
    "interface vxlan", "interface eoip", "interface eoipv6", "interface gre", "interface gre6",
    "interface ipip", "interface ipipv6", "interface 6to4", "interface wireguard", "interface pppoe-client",
    "interface pptp-client", "interface l2tp-client", "interface sstp-client", "interface ovpn-client",
    "interface ppp-client", "interface lte", "interface veth", "interface macvlan", "interface wireless",
    "interface wifi", "interface wifiwave2", "interface l2tp-server", "interface pptp-server",
    "interface sstp-server", "interface ovpn-server", "interface pppoe-server", "zerotier interface",
    "interface l2tp-server server", "interface pptp-server server", "interface sstp-server server",
    "interface ovpn-server server", "interface wifi capsman",
    "ip address", "ip dhcp-client", "ip dhcp-server", "ip dhcp-server lease", "ip dns", "ip dns static",
    "ip firewall address-list", "ip firewall filter", "ip firewall mangle", "ip firewall nat",
    "ip firewall raw", "ip pool", "ip ipsec identity", "ip ipsec peer", "ip proxy", "ip route",
    "ip route rule", "ip service", "ip settings", "ip smb", "ip socks", "ip upnp",
    "ipv6 address", "ipv6 dhcp-client", "ipv6 firewall address-list", "ipv6 firewall filter",
    "ipv6 firewall mangle", "ipv6 firewall nat", "ipv6 firewall raw", "ipv6 route", "ipv6 route rule",
    "ipv6 settings", "routing bgp connection", "routing bgp peer", "routing ospf instance",
    "routing rip instance", "routing rule", "routing table", "snmp", "system ntp server",
    "tool bandwidth-server", "caps-man manager",
})  # fmt: skip

# Menus, with all beneath them, that decide nothing about where packets go.
IGNORED = (
    "app", "caps-man", "certificate", "console", "disk", "dude", "file", "iot", "ip cloud",
    "ip dhcp-relay", "ip dhcp-server", "ip dns", "ip hotspot ip-binding", "ip hotspot profile",
    "ip hotspot service-port", "ip hotspot user", "ip hotspot walled-garden", "ip firewall layer7-protocol",
    "ip firewall service-port", "ip ipsec", "ip kid-control device", "ip media", "ip neighbor",
    "ip nat-pmp", "ip pool", "ip smb", "ip ssh", "ip tftp", "ip traffic-flow", "ip upnp",
    "ipv6 dhcp-server", "ipv6 nd", "ipv6 pool", "ipv6 neighbor", "log", "lora", "mpls", "partitions",
    "port", "ppp aaa", "ppp profile", "ppp secret", "queue", "radius", "routing bfd", "routing filter",
    "routing id", "routing igmp-proxy", "routing settings", "snmp", "special-login", "system", "tool",
    "tr069-client", "user", "user-manager", "interface bridge msti", "interface bridge vlan",
    "interface bridge mdb", "interface bridge port-controller", "interface bridge port-extender",
    "interface detect-internet", "interface dot1x", "interface ethernet poe",
    "interface ethernet switch", "interface lte apn", "interface lte settings", "interface ovpn-server",
    "interface pppoe-server", "interface wireguard peers", "interface wifi", "interface wifiwave2",
    "interface wireless", "interface w60g", "interface bonding", "interface mesh", "zerotier", "export",
    "import", "quit", "password", "ip firewall connection tracking",
    "ipv6 firewall connection tracking",
)  # fmt: skip

# What does decide, and is not read: with what it may do.
WIDENED = {
    "container": "what containers do with packets is not modelled",
    "interface bridge filter": "frames that it drops are not followed",
    "interface bridge nat": "frames that it changes are not followed",
    "interface bridge calea": "frames that it takes are not followed",
    "interface ethernet switch rule": "frames that the switch drops are not followed",
    "interface ethernet switch acl": "frames that the switch drops are not followed",
    "ip firewall calea": "packets that it takes are not followed",
    "ip hotspot": "its own rules: '/ip firewall nat print terse where dynamic' prints them",
    "ip ipsec policy": "which packets IPsec takes is not modelled",
    "ip vrf": "addresses and routes of another table are taken as of the main one",
    "ip kid-control": "it makes rules of its own",
    "interface pppoe-server server": "its clients' interfaces come and go: name them under gateway.clients",
    "interface vrrp": "whether this device is the master is taken as true",
    "routing ospf": "routes that are learnt are not in an export",
    "routing bgp": "routes that are learnt are not in an export",
    "routing rip": "routes that are learnt are not in an export",
    "routing ospf-v3": "routes that are learnt are not in an export",
    "routing ospf interface-template": "routes that are learnt are not in an export",
}
_SERVERS = ("pptp-server", "l2tp-server", "sstp-server", "ovpn-server", "pppoe-server")


def note_menus(config: Config) -> None:
    """Name the menus that are not read, each once, and what is on that makes rules by itself."""
    for menu in dict.fromkeys((*config.items, *config.settings)):
        first = _first(config, menu)
        if first is None:
            continue
        beneath = _longest(menu, (*IGNORED, *WIDENED))
        if beneath in WIDENED:
            config.note(Support.WIDENED, menu, first.origin, WIDENED[beneath])
        elif menu in READ:
            continue
        elif beneath:
            config.note(Support.IGNORED, menu, first.origin, "it does not decide where packets go")
        else:
            config.note(Support.UNKNOWN, menu, first.origin, "this menu is not known here")
    _note_by_itself(config)


def _first(config: Config, menu: str) -> Item | None:
    items = config.items.get(menu)
    return items[0] if items else config.settings.get(menu)


def _longest(menu: str, known: tuple[str, ...]) -> str:
    found = (one for one in known if menu == one or menu.startswith(f"{one} "))
    return max(found, key=len, default="")


def _note_by_itself(config: Config) -> None:
    """Rules that devices ask for, and clients of tunnels, stand in no export."""
    for menu in ("ip upnp", "ip nat-pmp"):
        setting = config.settings.get(menu)
        if config.setting(menu, "enabled") == "yes" and setting and "ip firewall nat" not in config.printed:
            reason = "mappings that devices ask for: '/ip firewall nat print terse where dynamic' prints them"
            config.note(Support.WIDENED, menu, setting.origin, reason)
    for kind in _SERVERS:
        setting = config.settings.get(f"interface {kind} server")
        if setting is not None and setting.get("enabled") == "yes":
            reason = "its clients' interfaces come and go: name them under gateway.clients"
            config.note(Support.WIDENED, f"interface {kind} server", setting.origin, reason)
