"""The JSON Schema of a YAML zone, for editors.

Written by hand, because a zone is read without a model: a million records would wait for it. It completes and
explains keys and catches slips; whether the records are right, only ``splitdns zone check`` says.
"""

from __future__ import annotations

from typing import Any

from splitdns.records import META_TYPES, Type

TYPES = tuple(rdtype.name for rdtype in Type if rdtype not in META_TYPES and rdtype is not Type.SOA)

_EXAMPLES = {
    "A": ["192.168.10.20", "$wan4"],
    "AAAA": ["fd00:10::20", "$wan6"],
    "CAA": ['0 issue "ca.example.net"'],
    "CNAME": ["www", "www.example.net."],
    "HTTPS": ["1 . alpn=h3,h2", "1 . alpn=h2 ipv4hint=auto"],
    "MX": ["10 mail"],
    "NS": ["ns1"],
    "PTR": ["www.example.com."],
    "SRV": ["0 5 5060 sip"],
    "TXT": ["v=spf1 mx -all"],
}

_PORTS = {
    "type": "string",
    "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?/(tcp|udp)$",
    "examples": ["443/tcp", "8000-8100/udp"],
}
_FORWARDED = {
    "type": "string",
    "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?(:[0-9]{1,5}(-[0-9]{1,5})?)?/(tcp|udp)$",
    "examples": ["443/tcp", "8000-8100/udp", "443:8443/tcp"],
}


def json_schema() -> dict[str, Any]:
    """The schema, of JSON Schema 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "splitdns zone",
        "description": "A zone of splitdns: every name once, with what each view sees of it.",
        "type": "object",
        "additionalProperties": False,
        "required": ["zone"],
        "properties": {
            "zone": _text("The zone's name; the file is named after it.", "example.com"),
            "mode": {
                "enum": ["authoritative", "overlay"],
                "default": "authoritative",
                "description": "An overlay owns only the names that it declares; all others are forwarded.",
            },
            "ttl": _ttl("The TTL of records that say none; an hour unless set. Names that differ get 60 s."),
            "ns": _ref("value", "The name servers, the same as NS records of the apex."),
            "soa": _soa(),
            "views": _some(
                {"type": "string"}, "The only views that have this zone; without it, all that can."
            ),
            "records": {
                "type": "object",
                "description": "Names, relative to the zone: @, www, *.apps, or ~ and a regular expression.",
                "additionalProperties": {"$ref": "#/$defs/name"},
            },
        },
        "$defs": {
            "name": _name(),
            "texts": _some({"type": ["string", "integer"]}, "One record, or a list of them."),
            "value": _value(),
            "variant": _variant(),
        },
    }


def _name() -> dict[str, Any]:
    types = {rdtype: _of_type(rdtype) for rdtype in TYPES}
    port = {
        "anyOf": [
            _FORWARDED,
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["public", "inside"],
                "properties": {"public": _PORTS, "inside": _PORTS},
            },
        ]
    }
    manners = {
        "ttl": _ttl("The TTL of every record of this name; it is kept, also where the views differ."),
        "inherit": _some({"type": "string"}, "Types of this name that are asked of upstreams: [TXT, MX]."),
        "expose": _some(
            port, "Ports that the gateway admits for this name; with 443:8443/tcp, public 443 leads to 8443."
        ),
        "ptr": {
            "type": "boolean",
            "description": "Whether the PTR of this name's addresses is this name.",
        },
        "public": _public("Whether outside views may see inside addresses of this name."),
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": types | manners,
        "patternProperties": {"^TYPE[0-9]{1,5}$": _ref("value", "Records of a type without a name here.")},
    }


def _of_type(rdtype: str) -> dict[str, Any]:
    described = _ref("value", f"{rdtype} records: one, a list, or a mapping from horizons to these.")
    return described | ({"examples": _EXAMPLES[rdtype]} if rdtype in _EXAMPLES else {})


def _value() -> dict[str, Any]:
    """The same for all views, or by horizon."""
    return {
        "anyOf": [
            {"$ref": "#/$defs/texts"},
            {
                "type": "object",
                "minProperties": 1,
                "properties": {
                    "value": _ref("texts", "The records of views whose horizons are not listed."),
                    "ttl": _ttl("The TTL of all these records."),
                    "public": _public("Whether outside views may see inside addresses of these records."),
                },
                "additionalProperties": {"$ref": "#/$defs/variant"},
            },
        ]
    }


def _variant() -> dict[str, Any]:
    """What one horizon sees."""
    return {
        "anyOf": [
            {"$ref": "#/$defs/texts"},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["value"],
                "properties": {
                    "value": {"$ref": "#/$defs/texts"},
                    "ttl": _ttl("The TTL of these records."),
                    "public": _public("Whether outside views may see inside addresses of these records."),
                },
            },
        ]
    }


def _soa() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "The SOA is made by itself; what stands here replaces parts of it.",
        "additionalProperties": False,
        "properties": {
            "mname": _text("The primary name server; the first of ns unless set.", "ns1"),
            "rname": _text("The mailbox of who is responsible, @ written as a dot.", "hostmaster"),
            "refresh": _ttl("How often a secondary looks for changes; 1h unless set."),
            "retry": _ttl("How soon it tries again; 15m unless set."),
            "expire": _ttl("When it gives up; 1w unless set."),
            "minimum": _ttl("The longest TTL of a negative answer; 60 s unless set."),
            "serial": {
                "type": "integer",
                "minimum": 1,
                "maximum": 4294967295,
                "description": "The version; from the file's time unless set.",
            },
            "ttl": _ttl("The TTL of the SOA itself."),
        },
    }


def _text(description: str, *examples: str) -> dict[str, Any]:
    return {"type": "string", "description": description, "examples": [*examples]}


def _ttl(description: str) -> dict[str, Any]:
    return {
        "type": ["integer", "string"],
        "pattern": "^([0-9]+[smhdwSMHDW]?)+$",
        "description": description,
        "examples": ["5m", "1h", 3600],
    }


def _public(description: str) -> dict[str, Any]:
    return {"type": "boolean", "default": False, "description": description}


def _ref(name: str, description: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}", "description": description}


def _some(item: dict[str, Any], description: str) -> dict[str, Any]:
    """One, or a list of at least one."""
    listed = {"type": "array", "items": item, "minItems": 1}
    return {"anyOf": [item, listed], "description": description}
