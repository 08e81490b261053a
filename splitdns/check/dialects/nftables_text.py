"""A rule of nft in words: close to what ``nft list ruleset`` prints, for a person to recognise it.

It is read by people only, so long sets are cut short and what is not known stands as JSON.
"""

from __future__ import annotations

from splitdns.check.dialects.json_places import Json, only, shown

_MAX_ELEMENTS = 8  # of a set that are named
_MAX_CHARACTERS = 300
_PLAIN = frozenset({"accept", "drop", "return", "continue", "notrack", "masquerade", "redirect", "reject"})


def rule_text(statements: list[Json], comment: Json = None) -> str:
    """``iifname "wan" tcp dport 443 dnat to 192.168.1.20``."""
    text = " ".join(one for one in map(_statement, statements) if one)
    if isinstance(comment, str):
        text += f' comment "{comment}"'
    if not text.isprintable():
        text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…"


def _statement(statement: Json) -> str:
    what, body = only(statement, "a statement")
    match what, body:
        case "match", {"op": operator, "left": left, "right": right}:
            sign = "" if operator in ("==", "in") else f"{operator} "
            return f"{value_text(left)} {sign}{value_text(right)}"
        case "counter", dict():
            return "counter"
        case ("counter" | "limit" | "quota"), str():
            return f'{what} name "{body}"'
        case "limit", {"rate": rate, "per": per, **more}:
            return f"limit rate {'over ' if more.get('inv') else ''}{rate}/{per}"
        case ("jump" | "goto"), {"target": target}:
            return f"{what} {target}"
        case ("dnat" | "snat" | "masquerade" | "redirect" | "tproxy"), dict():
            return _translation(what, body)
        case "vmap", {"key": key, "data": data}:
            return f"{value_text(key)} vmap {value_text(data)}"
        case "mangle", {"key": key, "value": value}:
            return f"{value_text(key)} set {value_text(value)}"
        case "reject", {"type": kind, "expr": reason}:
            return f"reject with {kind} {value_text(reason)}"
        case "reject", {"type": kind}:
            return f"reject with {kind}"
        case "log", {"prefix": prefix}:
            return f'log prefix "{prefix}"'
        case "log", _:
            return "log"
        case ("set" | "map"), {"op": operator, "elem": element, **more}:
            return f"{operator} {more.get(what)} {{ {value_text(element)} }}"
        case "xt", {"type": kind, "name": name}:
            return f"xt {kind} {name}"
        case _, None:
            return what
    return f"{what} {value_text(body)}"


def _translation(what: str, body: dict[str, Json]) -> str:
    target = value_text(body["addr"]) if body.get("addr") is not None else ""
    port = f":{value_text(body['port'])}" if body.get("port") is not None else ""
    family = f" {body['family']}" if isinstance(body.get("family"), str) else ""
    return what + (f"{family} to {target}{port}" if target or port else "")


def value_text(value: Json) -> str:
    """An expression, as nft would print it."""
    match value:
        case str():
            return value
        case bool():
            return "exists" if value else "missing"
        case int() | float():
            return str(value)
        case {"payload": {"protocol": protocol, "field": field}}:
            return f"{protocol} {field}"
        case {"meta": {"key": key}}:
            return str(key) if key in ("iifname", "oifname", "iif", "oif") else f"meta {key}"
        case {"ct": {"key": key, **more}}:
            return f"ct {more['dir']} {key}" if "dir" in more else f"ct {key}"
        case {"prefix": {"addr": address, "len": length}}:
            return f"{value_text(address)}/{length}"
        case {"range": [low, high]}:
            return f"{value_text(low)}-{value_text(high)}"
        case {"concat": list(parts)}:
            return " . ".join(map(value_text, parts))
        case {"set": list(elements)}:
            return _set(elements)
        case {"elem": {"val": inner}}:
            return value_text(inner)
        case {"map": {"key": key, "data": data}}:
            return f"{value_text(key)} map {value_text(data)}"
        case {"fib": {"result": result, "flags": flags}}:
            return f"fib {' . '.join(map(str, flags if isinstance(flags, list) else [flags]))} {result}"
        case {"&": [left, right]}:
            return f"{value_text(left)} & {value_text(right)}"
        case {"|": list(several)}:
            return "|".join(map(value_text, several))
        case {"jump": {"target": target}}:
            return f"jump {target}"
        case {"goto": {"target": target}}:
            return f"goto {target}"
        case list(several):
            return ",".join(map(value_text, several))
        case dict() if len(value) == 1 and next(iter(value)) in _PLAIN:
            return next(iter(value))
    return shown(value)


def _set(elements: list[Json]) -> str:
    some = elements[:_MAX_ELEMENTS]
    texts = [" : ".join(map(value_text, one if isinstance(one, list) else [one])) for one in some]
    if len(elements) > _MAX_ELEMENTS:
        texts.append(f"… ({len(elements)} elements)")
    return f"{{ {', '.join(texts)} }}"
