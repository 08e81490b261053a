from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from splitdns.check.cuts import Cuts
from splitdns.check.sets import Numbers

_NUMBERS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=3).map(
    lambda ranges: Numbers.of(*((low, low + more) for low, more in ranges))
)


@given(st.lists(_NUMBERS, max_size=4), st.lists(st.integers(1, 30), unique=True, max_size=3), _NUMBERS)
def test_addresses_of_one_sign_are_in_the_same_sets(
    sets: list[Numbers], starts: list[int], of: Numbers
) -> None:
    table = [0, *sorted(starts)], [at % 2 for at in range(len(starts) + 1)]

    def held(number: int) -> tuple[object, ...]:
        value = table[1][max(at for at, start in enumerate(table[0]) if start <= number)]
        return (*(number in one for one in sets), value)

    pieces = list(Cuts(sets, [table]).pieces(of))
    assert Numbers.of(*((low, high) for low, high, _ in pieces)) == of
    by_sign: dict[int, set[tuple[object, ...]]] = {}
    for low, high, sign in pieces:
        by_sign.setdefault(sign, set()).update(held(number) for number in range(low, high + 1))
    assert all(len(kinds) == 1 for kinds in by_sign.values())
    kinds = [kind for some in by_sign.values() for kind in some]
    assert len(kinds) == len(set(kinds))


def test_sets_are_known_by_being_the_same_object() -> None:
    one, like_it = Numbers.one(7), Numbers.one(7)
    cuts = Cuts([one])
    assert cuts.know(one)
    assert not cuts.know(like_it)
    assert cuts.and_([like_it]).know(like_it)
