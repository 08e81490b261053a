"""``splitdns query``: the answer as one client would get it, in the way of dig, without a server."""

from __future__ import annotations

from pathlib import Path

from splitdns.answer.decide import Forward
from splitdns.cli import asking
from splitdns.cli.console import Printer, Status, print_json, printer
from splitdns.cli.loading import load_configuration
from splitdns.cli.render import decided_value, question_value, record_lines
from splitdns.explain import explain
from splitdns.explain.values import Explanation
from splitdns.explain.words import error_text, prefix_text, status_text, upstream_texts
from splitdns.names import to_text
from splitdns.records import type_to_text
from splitdns.wire.message import Answer


def run(
    name: str, qtype: str | None, host: str, config: Path | None, *, as_json: bool, forward: bool
) -> None:
    """Print the answer; the exit status says whether there is one."""
    query = asking.question(name, qtype)
    host = asking.client(host)
    loaded = load_configuration(config)
    told = explain(loaded.snapshot, query, host, ask=asking.upstreams(forward))
    if as_json:
        print_json(_value(told))
    else:
        _print(told, printer())
    raise SystemExit(Status.NEGATIVE if told.outcome.negative else Status.OK)


def client_value(told: Explanation) -> dict[str, str | None]:
    """The client, its view and the prefix that chose it."""
    view = told.view.name if told.view else None
    prefix = prefix_text(told.client.candidates[0].prefix) if told.client.candidates else None
    return {"address": str(told.client.address), "view": view, "prefix": prefix}


def client_text(told: Explanation) -> str:
    if told.view is None:
        return f"{told.client.address} meets no view: no prefix holds it, and no view has any"
    prefix = prefix_text(told.client.candidates[0].prefix)
    return f"{told.client.address} meets view {told.view.name}, by {prefix}"


def _value(told: Explanation) -> dict[str, object]:
    head: dict[str, object] = {"question": question_value(told.query), "client": client_value(told)}
    return head | decided_value(told.outcome.decided)


def _print(told: Explanation, out: Printer) -> None:
    decided = told.outcome.decided
    out.line(f";; {client_text(told)}", "dim")
    if isinstance(decided, Answer):
        _print_answer(decided, told, out)
    else:
        _print_forward(decided, told, out)


def _print_answer(answer: Answer, told: Explanation, out: Printer) -> None:
    aa = ", authoritative" if answer.aa else ""
    out.line(f";; status: {status_text(answer.rcode)}{aa}", "red" if told.outcome.negative else "green")
    for code, text in answer.edes:
        out.line(f";; error: {error_text(code, text)}", "yellow")
    if answer.stripped:
        out.line(f";; the leak guard kept back {answer.stripped} (splitdns explain says what)", "yellow")
    _print_question(told, out)
    sections = {
        "answer": answer.answer,
        "authority": answer.authority,
        "additional": (*answer.glue, *answer.additional),
    }
    for section, rrsets in sections.items():
        if rrsets:
            out.line(f";; {section}", "dim")
            for line in record_lines(rrsets):
                out.line(line, "bold" if section == "answer" else "")


def _print_forward(forward: Forward, told: Explanation, out: Printer) -> None:
    name, qtype = to_text(forward.name), type_to_text(forward.qtype)
    upstreams = ", ".join(upstream_texts(forward.upstreams))
    out.line(f";; forwarded: {name} {qtype} to {upstreams} (--forward asks there)", "cyan")
    _print_question(told, out)
    if forward.walk.chain:
        out.line(";; answer, so far", "dim")
        for line in record_lines(forward.walk.chain):
            out.line(line)


def _print_question(told: Explanation, out: Printer) -> None:
    out.line(";; question", "dim")
    out.line(f";{to_text(told.query.question)}\tIN\t{type_to_text(told.query.qtype)}")
