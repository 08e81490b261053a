"""Where packets start: the clients' addresses in atoms, and sets of atoms as the bits of a number.

All that a gateway can tell of a client is its address and the interface by which it comes. Addresses that no
rule, route or host tells apart form an atom, wherever they lie; a set of atoms is one whole number. So any
number of client networks walk together at the price of one, and part only where something treats them
differently, and a block list of a hundred thousand addresses makes two atoms.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from splitdns.check.cuts import Cuts
from splitdns.check.network import Clients
from splitdns.check.sets import Numbers, Range

EVERYONE = -1  # as a mask: whoever it is

Link = tuple[tuple[str, int], ...]
"""By which interface, for whom: names with masks. One name for everyone is ``((name, EVERYONE),)``."""


class UnsplitError(Exception):
    """Addresses are told apart that are in one atom: the walk has to begin anew, and know of ``numbers``."""

    def __init__(self, numbers: Iterable[Numbers]) -> None:
        super().__init__("an atom has to be split")
        self.numbers = tuple(numbers)


class _Places:
    """Where the addresses of one of the clients lie: pieces in order, each of one atom."""

    def __init__(self, pieces: Sequence[tuple[int, int, int]]) -> None:
        """``pieces``: first, last, atom."""
        self.lows = [low for low, _, _ in pieces]
        self.highs = [high for _, high, _ in pieces]
        self.atoms = [atom for _, _, atom in pieces]
        self._together = [
            _mask(self.atoms[at : at + _STRIDE]) for at in range(0, len(pieces), _STRIDE)
        ]

    def near(self, numbers: Numbers) -> Sequence[Range]:
        """The ranges of ``numbers`` that may touch a piece."""
        ranges = numbers.ranges
        if len(ranges) < _STRIDE or not self.lows:
            return ranges
        first = bisect_left(ranges, self.lows[0], key=lambda one: one[1])
        return ranges[first : bisect_right(ranges, self.highs[-1], key=lambda one: one[0])]

    def between(self, low: int, high: int) -> tuple[int, int]:
        """The pieces that begin there: the first, and the one after the last."""
        return bisect_left(self.lows, low), bisect_right(self.lows, high)

    def mask(self, begin: int, end: int) -> int:
        """The atoms of pieces ``begin`` to before ``end``."""
        first, last = -(-begin // _STRIDE), end // _STRIDE
        if first >= last:
            return _mask(self.atoms[begin:end])
        mask = _mask(self.atoms[begin : first * _STRIDE]) | _mask(self.atoms[last * _STRIDE : end])
        for some in self._together[first:last]:
            mask |= some
        return mask

    def is_cut(self, at: int) -> bool:
        """Whether a piece begins before ``at`` and ends at it or later."""
        index = bisect_right(self.lows, at) - 1
        return index >= 0 and self.lows[index] < at <= self.highs[index]


_STRIDE = 64  # pieces whose atoms are kept together, so that wide sets cost little


class Sources:
    """The atoms of some clients: ``mask_of`` a set of addresses, and ``numbers`` of a mask."""

    def __init__(self, clients: Sequence[Clients], cuts: Cuts) -> None:
        self.clients = tuple(clients)
        self.cuts = cuts
        self.atoms: list[Numbers] = []
        self.masks: list[int] = []  # of each of the clients
        self._places: list[_Places] = []
        self._pieces: list[int] = []  # of how many pieces each atom is
        self._several = 0  # the atoms of more than one
        self._known: dict[int, int] = {}  # by the id of numbers that are among the cuts
        self._found: dict[Numbers, int] = {}
        self._shown: dict[tuple[int, int], Numbers] = {}
        self._whole: dict[int, Numbers] = {}
        for one in self.clients:
            first = len(self.atoms)
            self._places.append(self._placed(one.numbers))
            self.masks.append((1 << len(self.atoms)) - (1 << first))
        self.everyone = (1 << len(self.atoms)) - 1

    def _placed(self, numbers: Numbers) -> _Places:
        ranges: dict[int, list[Range]] = {}
        pieces: list[tuple[int, int, int]] = []
        first = len(self.atoms)
        for low, high, sign in self.cuts.pieces(numbers):
            where = ranges.setdefault(sign, [])
            where.append((low, high))
            pieces.append((low, high, sign))
        atoms = {sign: first + at for at, sign in enumerate(ranges)}
        for sign, where in ranges.items():
            self._pieces.append(len(where))
            self._several |= (len(where) > 1) << atoms[sign]
        self.atoms += (Numbers.of(*where) for where in ranges.values())
        return _Places([(low, high, atoms[sign]) for low, high, sign in pieces])

    def mask_of(self, numbers: Numbers) -> int:
        """The atoms in ``numbers``.

        Raises:
            UnsplitError: an atom is partly in them.
        """
        if self.cuts.know(numbers):
            known = self._known.get(id(numbers))
            if known is None:
                known, _ = self._touched(numbers)
                self._known[id(numbers)] = known
            return known
        known = self._found.get(numbers)
        if known is None:
            known = self._found[numbers] = self._exactly(numbers)
        return known

    def _touched(self, numbers: Numbers) -> tuple[int, int]:
        """The atoms of which a piece begins in ``numbers``, and how many pieces do."""
        mask = pieces = 0
        for places in self._places:
            for low, high in places.near(numbers):
                begin, end = places.between(low, high)
                if begin < end:
                    mask |= places.mask(begin, end)
                    pieces += end - begin
        return mask, pieces

    def _exactly(self, numbers: Numbers) -> int:
        for places in self._places:
            if any(places.is_cut(end) for low, high in places.near(numbers) for end in (low, high + 1)):
                raise UnsplitError([numbers])
        mask, pieces = self._touched(numbers)
        several = mask & self._several
        whole = (mask ^ several).bit_count() + sum(self._pieces[at] for at in bits(several))
        if pieces != whole:  # no piece is cut, so an atom is partly in them only if a piece of it is not
            raise UnsplitError([numbers])
        return mask

    def require(self, sets: Iterable[Numbers]) -> None:
        """See that no atom is partly in one of ``sets``.

        Raises:
            UnsplitError: one is.
        """
        unsplit: list[Numbers] = []
        for one in sets:
            try:
                self.mask_of(one)
            except UnsplitError:
                unsplit.append(one)
        if unsplit:
            raise UnsplitError(unsplit)

    def numbers(self, which: int, mask: int) -> Numbers:
        """The addresses of client ``which`` that are in ``mask``."""
        mask &= self.masks[which]
        if mask == self.masks[which]:
            return self.clients[which].numbers
        shown = self._shown.get((which, mask))
        if shown is None:
            shown = self._shown[which, mask] = self._union(mask)
        return shown

    def all_numbers(self, mask: int) -> Numbers:
        """The addresses in ``mask``, whosever."""
        mask &= self.everyone
        known = self._whole.get(mask)
        if known is None:
            known = self._whole[mask] = self._union(mask)
        return known

    def _union(self, mask: int) -> Numbers:
        return Numbers.of(*(one for at in bits(mask) for one in self.atoms[at].ranges))


def _mask(atoms: Iterable[int]) -> int:
    mask = 0
    for atom in atoms:
        mask |= 1 << atom
    return mask


def bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def link(name: str) -> Link:
    """The same interface for everyone."""
    return ((name, EVERYONE),)


def same(one: Link, other: Link) -> int:
    """The mask of those for whom both name the same interface."""
    mask = 0
    for name, ours in one:
        for its_name, theirs in other:
            if name == its_name:
                mask |= ours & theirs
    return mask


def narrowed(one: Link, mask: int) -> Link:
    """What of it concerns ``mask``."""
    return tuple((name, ours & mask) for name, ours in one if ours & mask)
