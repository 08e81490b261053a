from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from splitdns.check.conditions import Around, Budget
from splitdns.check.flows import DESTINATION, DESTINATION_PORT, Flow
from splitdns.check.model import Addresses, Condition, Ports, Side
from splitdns.check.sets import NONE, Numbers
from splitdns.check.sieve import GIVEN_UP, NO_CLAUSE, Intervals, Sieve
from tests.unit.check.test_flows import flow

AROUND = Around(lambda types, name: NONE, lambda condition, flow: ([], [flow]), lambda *_: ())


def _range(low: int, high: int) -> st.SearchStrategy[Numbers]:
    numbers = st.integers(low, high)
    return st.tuples(numbers, numbers).map(lambda ends: Numbers.of((min(ends), max(ends))))


def _clauses(size: int) -> st.SearchStrategy[list[tuple[Condition, ...]]]:
    address = _range(1, 10).map(lambda numbers: Addresses(Side.DESTINATION, numbers))
    port = _range(80, 90).map(lambda numbers: Ports(Side.DESTINATION, numbers))
    return st.lists(st.lists(st.one_of(address, port), max_size=2).map(tuple), max_size=size)


def _first(clauses: Sequence[tuple[Condition, ...]], address: int, port: int) -> int:
    for at, clause in enumerate(clauses):
        if all((address if isinstance(one, Addresses) else port) in one.numbers for one in clause):  # type: ignore[union-attr]
            return at
    return NO_CLAUSE


@given(_clauses(40))
def test_the_first_clause_is_found_for_every_packet(clauses: list[tuple[Condition, ...]]) -> None:
    sieve = Sieve(clauses, AROUND, Budget(100_000))
    met: dict[tuple[int, int], int] = {}
    for at, part in sieve.first(flow()):
        for address in range(1, 11):
            for port in range(80, 91):
                if address in part.values[DESTINATION] and port in part.values[DESTINATION_PORT]:
                    assert (address, port) not in met
                    met[address, port] = at
    assert met == {(a, p): _first(clauses, a, p) for a in range(1, 11) for p in range(80, 91)}


def test_ten_thousand_clauses_cost_each_packet_a_few() -> None:
    clauses = [(Addresses(Side.DESTINATION, Numbers.one(at)),) for at in range(10_000)]
    budget = Budget(100_000)
    sieve = Sieve(clauses, AROUND, budget)
    assert [at for at, _ in sieve.first(flow(Numbers.one(7_777)))] == [7_777]
    assert budget.left >= 99_999
    wide = flow(Numbers.of((0, 20_000)))
    assert sorted(at for at, _ in sieve.first(wide)) == [NO_CLAUSE, *range(10_000)]
    assert budget.left >= 100_000 - 10_100


def test_the_budget_ends_the_search() -> None:
    clauses = [(Ports(Side.DESTINATION, Numbers.one(80 + at)),) for at in range(5)]
    found = list(Sieve(clauses, AROUND, Budget(2)).first(flow()))
    assert [at for at, _ in found] == [0, 1, GIVEN_UP]


def _flow_at(address: int) -> Flow:
    return flow(Numbers.one(address))


def test_an_index_knows_the_clauses_of_each_interval() -> None:
    index = Intervals([Numbers.of((2, 5)), None, Numbers.of((4, 8))])
    assert [index.at(number) for number in (1, 2, 4, 6, 9)] == [0b010, 0b011, 0b111, 0b110, 0b010]
    assert index.over(Numbers.of((2, 3))) == 0b011
    assert index.of(_flow_at(4), (DESTINATION, 0)) == 0b111
    parts = index.parts(Numbers.of((1, 9)), 0b101)
    assert Numbers.of((1, 1), (9, 9)) in parts
