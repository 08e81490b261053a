"""Pages that were fetched, beside what the check says: whether they come, and whom the server sees."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address, ip_interface
from urllib.parse import urlsplit

from splitdns.check.check import Checked
from splitdns.check.judge import Cell
from splitdns.check.verdict import Verdict
from tests.lab.scenario import Scenario

NO_ADDRESS = "no address"
CAME = " sees "  # between the server's name and its client's address, in a page (``web``)


def disagreements(
    scenario: Scenario, checked: Checked, fetched: dict[str, dict[str, str]]
) -> Iterator[str]:
    """Each page that came and should not, or the other way round, or that another client seems to have asked.

    Of names, those are left out whose query gets no answer, or one for other clients than these.
    """
    lost = {one.seen.clients.name for one in checked.judgement.asked if one.met != one.seen.view}
    for client, pages in fetched.items():
        address = _address(scenario, client)
        for url, page in pages.items():
            cells = [cell for cell in checked.judgement.cells if _is_about(cell, address, url)]
            by_name = not any(str(cell.address) in url for cell in cells)
            if by_name and (page == NO_ADDRESS or any(cell.seen.clients.name in lost for cell in cells)):
                continue
            if cells and not any(_agrees(cell, page) for cell in cells):
                says = ", ".join(cell.verdict.value for cell in cells)
                yield f"{client} fetches {url}: {page}; the check says {says}"


def _address(scenario: Scenario, client: str) -> IPv4Address:
    """Under which the client asks: that of its tunnel, if it has one."""
    through = scenario.tunnel.get("client") == client
    text = scenario.tunnel["client_address"] if through else scenario.plan.host(client).nics[0].addresses[0]
    return IPv4Address(ip_interface(text).ip)


def _is_about(cell: Cell, client: IPv4Address, url: str) -> bool:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    exposed = cell.service.exposed.public
    if int(client) not in cell.seen.clients.numbers or cell.address.version != 4:
        return False
    if exposed.protocol != "tcp" or not exposed.first <= port <= exposed.last:
        return False
    try:
        return ip_address(host) == cell.address
    except ValueError:
        return cell.told and cell.service.name == f"{host}."


def _agrees(cell: Cell, page: str) -> bool:
    if cell.verdict is Verdict.MAYBE:
        return True
    _, came, seen = page.partition(CAME)
    if not cell.works or not came:
        return cell.works is bool(came)
    ends = [outcome.endpoint for outcome in cell.result.outcomes if outcome.endpoint is not None]
    return any(int(IPv4Address(seen.strip())) in end.seen_source for end in ends)
