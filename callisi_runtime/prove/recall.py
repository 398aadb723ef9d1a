"""What a pure function answered, recalled for every record that agrees in what the function had read.

The machine decides about most events by two or three fields of a state that has thirty: asked once about a late timer,
it has answered for every state in which that timer does not run. What was read is noticed, not guessed, so this holds
for every pure function, a wrong one included.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast

R = TypeVar("R", bound=tuple[Any, ...])
A = TypeVar("A")
Read = tuple[int, Any]
"""A field's place, and what stood there."""
Changes = tuple[tuple[int, Any], ...]
"""Places of fields, and what is written there."""


class _Unread:
    """Stands for a field that nobody has read. What looks at it, has gone past the field's name: that is an error."""

    __slots__ = ()

    def _refuse(self, *_: object) -> Any:
        raise TypeError("a watched record is read by the names of its fields")

    __eq__ = __ne__ = __bool__ = __len__ = __iter__ = __contains__ = __lt__ = __add__ = __getitem__ = _refuse
    __hash__ = None  # type: ignore[assignment]


UNREAD = _Unread()


class Watch:
    """Records whose reads are noticed, in their order. Copies with some fields changed are watched as well.

    The fields of several records are counted through: a place is one of all of them.
    """

    def __init__(self, *kinds: type[tuple[Any, ...]]) -> None:
        self.subject: tuple[Any, ...] = ()
        """The values of all fields."""
        self.reads: dict[int, Any] = {}
        """Place -> value of the fields read so far."""
        self.blank: list[Any] = []
        """The records to hand to the function."""
        place = 0
        for kind in kinds:
            names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
            self.blank.append(tuple.__new__(self._watched(kind, place), [UNREAD] * len(names)))
            place += len(names)

    def _watched(self, kind: type[tuple[Any, ...]], first: int) -> type[tuple[Any, ...]]:
        names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
        readers = {name: self._reader(place, first + place) for place, name in enumerate(names)}

        def whole(record: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(getattr(record, name) for name in names)

        comparing = {
            "__eq__": lambda one, other: whole(one) == other,
            "__ne__": lambda one, other: whole(one) != other,
            "__hash__": lambda one: hash(whole(one)),
        }
        return type(f"Watched{kind.__name__}", (kind,), {**readers, **comparing})

    def _reader(self, place: int, number: int) -> property:
        item = tuple.__getitem__

        def read(record: tuple[Any, ...]) -> Any:
            value = item(record, place)
            if value is not UNREAD:
                return value
            if number not in self.reads:
                self.reads[number] = self.subject[number]
            return self.subject[number]

        return property(read)

    def begin(self, subject: tuple[Any, ...]) -> list[Any]:
        """The records to hand to the function in the place of others, whose values are these."""
        self.subject = subject
        self.reads = {}
        return self.blank


def changes(record: tuple[Any, ...]) -> Changes:
    """What was written to a watched record, whatever stood there before."""
    return tuple((place, value) for place, value in enumerate(tuple.__iter__(record)) if value is not UNREAD)


def apply(record: R, written: Changes) -> R:
    """A record with what was written to a watched one."""
    if not written:
        return record
    values = list(record)
    for place, value in written:
        values[place] = value
    return tuple.__new__(type(record), values)


watch = cache(Watch)
"""The watch for records of these kinds. One function at a time is watched."""


class Fork(Generic[A]):
    """Fields that are read one after the other, and what followed for each of their values."""

    __slots__ = ("places", "read", "ways")

    def __init__(self, places: tuple[int, ...]) -> None:
        self.places = places
        self.read: Callable[[Any], Hashable] = itemgetter(*places)
        """A record's values there: one alone, or a tuple of several."""
        self.ways: dict[Hashable, Fork[A] | A] = {}

    def shared(self, reads: Sequence[Read]) -> int:
        """How many of these fields were read here before, in the same order."""
        count = 0
        for mine, (place, _) in zip(self.places, reads, strict=False):
            if mine != place:
                break
            count += 1
        return count

    def split(self, count: int) -> None:
        """Read only the first few fields here, and the others behind them."""
        rest = self.places[count:]
        ways: dict[Hashable, Fork[A] | A] = {}
        for values, way in self.ways.items():
            assert isinstance(values, tuple), "there are several fields"
            fork = ways.setdefault(alone(values[:count]), Fork(rest))
            cast("Fork[A]", fork).ways[alone(values[count:])] = way
        self.places, self.ways = self.places[:count], ways
        self.read = itemgetter(*self.places)


class Recall(Generic[A]):
    """A pure function of a key and some records, as the tree of its decisions.

    Args:
        ask: The function of the key and of watched records. Its answer is not None.
        kinds: The records' classes, named tuples.
    """

    def __init__(self, ask: Callable[..., A], *kinds: type[tuple[Any, ...]]) -> None:
        self.ask = ask
        self.watch = watch(*kinds)
        self.trees: dict[Hashable, Fork[A] | A] = {}
        self.asked = 0
        """How often the function was really asked."""

    def __call__(self, key: Hashable, record: tuple[Any, ...]) -> A:
        """The answer for a record; several are given as their sum."""
        node = self.trees.get(key)
        while type(node) is Fork:
            node = node.ways.get(node.read(record))
        return self._learn(key, record) if node is None else cast(A, node)

    def _learn(self, key: Hashable, record: tuple[Any, ...]) -> A:
        self.asked += 1
        answer = self.ask(key, *self.watch.begin(record))
        reads, ways = list(self.watch.reads.items()), self.trees
        while reads:
            fork = ways.setdefault(key, Fork(tuple(place for place, _ in reads)))
            if not isinstance(fork, Fork) or not (count := fork.shared(reads)):
                raise TypeError("only a pure function can be recalled")
            if count < len(fork.places):
                fork.split(count)
            key, reads, ways = alone(tuple(value for _, value in reads[:count])), reads[count:], fork.ways
        ways[key] = answer
        return answer


def alone(values: tuple[Hashable, ...]) -> Hashable:
    """What `itemgetter` gives: the only value by itself."""
    return values if len(values) > 1 else values[0]
