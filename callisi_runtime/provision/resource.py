"""What one kind of provisioned object is: how it is found, how it should be, and how it is made so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from callisi_runtime.errors import CallisiError

if TYPE_CHECKING:
    from callisi_runtime.provision.world import World

Fields = Mapping[str, Any]
"""Field -> value, both as the plan shows them: text, numbers, lists, dicts, or a `Secret`."""

LATER: Final = "(known after apply)"
"""Stands in a plan for an id that does not exist yet."""

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is compared and sent, and never shown."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "(secret)"


@dataclass(frozen=True, slots=True)
class Thing:
    """One object that a provider holds."""

    id: str
    fields: Fields
    raw: Any = None
    """The provider's own form of it, where an update needs the rest of it."""


@dataclass(frozen=True, slots=True)
class Rival:
    """An object that does not carry our tag, and stands where ours would have to stand."""

    id: str
    why: str
    """In what it collides: `it has the same name`."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one kind."""

    ours: tuple[Thing, ...] = ()
    rivals: tuple[Rival, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """What the reader of a plan should weigh before it is applied."""

    money: str | None = None
    risk: str | None = None


class Blocked(Exception):
    """Nothing that a program can do: a person must act first."""

    def __init__(self, what: str, *, who: str, where: str, how_long: str, then: str) -> None:
        super().__init__(what)
        self.what, self.who, self.where, self.how_long, self.then = what, who, where, how_long, then

    def as_dict(self) -> dict[str, str]:
        """As `--json` prints it."""
        return {
            "what": self.what,
            "who": self.who,
            "where": self.where,
            "how_long": self.how_long,
            "then": self.then,
        }


class Waiting(Exception):
    """It needs another resource that is blocked itself."""

    def __init__(self, on: str) -> None:
        super().__init__(on)
        self.on = on


class Unknown(CallisiError):
    """The provider did not say whether it did what it was asked to do."""


class Resource(ABC):
    """One kind of object, of which an agent has one.

    `find` and `desired` only read. What they say about a field must be comparable: a field that `desired` leaves out
    is left as it is. Writing methods raise CallisiError, `Unknown` where nobody knows whether it was done.
    """

    key: ClassVar[str]
    """How other resources and `--json` call it: `twilio-trunk`."""
    title: ClassVar[str]
    """How the plan calls it: `Twilio: SIP trunk`."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Keys of resources without which it is not even looked for."""
    several: ClassVar[bool] = False
    """Whether an agent may have more than one."""

    def skipped(self, world: World) -> str | None:
        """Why this agent does not need it; None when it does."""
        return None

    @abstractmethod
    async def find(self, world: World) -> Found:
        """What the provider holds of it: ours, and what is in its way."""

    @abstractmethod
    async def desired(self, world: World, thing: Thing | None) -> Fields | None:
        """How it should be; None when it should not be.

        Args:
            world: What the run knows.
            thing: What was found; None when there is none yet.

        Raises:
            Blocked: A person must act first.
            Waiting: Another resource must come first.
        """

    @abstractmethod
    async def create(self, world: World, fields: Fields) -> Thing:
        """Make it."""

    @abstractmethod
    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """Bring it to `fields`, all of them, changed or not."""

    @abstractmethod
    async def delete(self, world: World, thing: Thing) -> None:
        """Take it away."""

    async def settle(self, world: World, thing: Thing) -> None:
        """What `--apply` writes down on this machine once it is there, made now or before."""
        return

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """What `--destroy` deletes: only what carries our tag."""
        return (await world.found(self.key)).ours

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """Money and risk of a step; only asked when there is one."""
        return Marks()

    async def remark(self, world: World, thing: Thing | None) -> str | None:
        """What the reader of a plan should know about it, changed or not."""
        return None
