"""Edges in vCloud Director's older form, in a few words."""

from __future__ import annotations

from tests.check.nsx.edges import PUBLIC, WEB, words


def interface(name: str, kind: str, gateway: str, address: str = "", more: str = "") -> str:
    return (
        f'<GatewayInterface><Name>{name}</Name><Network href="https://vcloud/{name}" name="{name}-net"/>'
        f"<InterfaceType>{kind}</InterfaceType><SubnetParticipation><Gateway>{gateway}</Gateway>"
        f"<Netmask>255.255.255.0</Netmask>{f'<IpAddress>{address}</IpAddress>' if address else ''}"
        f"{more}</SubnetParticipation>"
        f"<UseForDefaultRoute>{'true' if kind == 'uplink' else 'false'}</UseForDefaultRoute>"
        "</GatewayInterface>\n"
    )


ENDS = "<StartAddress>203.0.113.8</StartAddress><EndAddress>203.0.113.9</EndAddress>"
RANGE = words("IpRanges", IpRange=ENDS)
WAN = interface("wan", "uplink", "203.0.113.1", PUBLIC, RANGE)
INTERFACES = WAN + interface("lan", "internal", "192.168.1.1")


def rule(kind: str, on: str, original: str, translated: str, port: str = "", **more: str) -> str:
    ports = {"OriginalPort": port, "TranslatedPort": port, "Protocol": "tcp"} if port else {}
    fields = {"OriginalIp": original, "TranslatedIp": translated, **ports, **more}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    inner = f"<GatewayNatRule><Interface {on}/>{inner}</GatewayNatRule>"
    return f"<NatRule><RuleType>{kind}</RuleType><IsEnabled>true</IsEnabled><Id>65537</Id>{inner}</NatRule>\n"


def allow(protocol: str = "<Any>true</Any>", port: str = "Any", **more: str) -> str:
    fields = {"IsEnabled": "true", "Policy": "allow", "Protocols": protocol, "DestinationPortRange": port}
    return words("FirewallRule", **{**fields, **more})


NAMELESS = interface("", "internal", "192.168.1.1").replace('href="https://vcloud/" name="-net"', "")
ON_WAN = 'href="https://vcloud/wan" name="wan-net"'
FORWARD = rule("DNAT", ON_WAN, PUBLIC, WEB, "443")


def edge(nat: str = FORWARD, rules: str = "", more: str = "", interfaces: str = INTERFACES) -> str:
    return (
        '<EdgeGateway xmlns="http://www.vmware.com/vcloud/v1.5" name="edge">\n<Configuration>'
        f"<GatewayInterfaces>\n{interfaces}</GatewayInterfaces><EdgeGatewayServiceConfiguration>"
        f"<FirewallService><IsEnabled>true</IsEnabled><DefaultAction>drop</DefaultAction>\n{rules}"
        "</FirewallService>"
        f"<NatService><IsEnabled>true</IsEnabled>\n{nat}</NatService>\n{more}"
        "</EdgeGatewayServiceConfiguration></Configuration></EdgeGateway>"
    )
