"""From what should be and what is to the steps between: created, updated, deleted, or why not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.provision.resource import (
    Action,
    Blocked,
    Fields,
    Found,
    Marks,
    Rival,
    Secret,
    Thing,
    Waiting,
)

if TYPE_CHECKING:
    from callisi_runtime.provision.resource import Resource
    from callisi_runtime.provision.world import World

Verdict = Literal["create", "update", "delete", "unchanged", "blocked", "waiting", "stopped", "skipped"]
NO_MARKS = Marks()
CHANGES: tuple[Verdict, ...] = ("create", "update", "delete")


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one step."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one resource.

    `stopped`: two of ours were found, or something untagged is in the way; a person must decide.
    `waiting`: it needs another resource, which is blocked.
    """

    resource: str
    title: str
    action: Verdict
    id: str | None = None
    changes: tuple[Change, ...] = ()
    marks: Marks = NO_MARKS
    why: str | None = None
    blocked: Blocked | None = None
    fields: Fields | None = None
    """How it should be, all of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, in the order in which they are taken."""

    steps: tuple[Step, ...]

    def having(self, *actions: Verdict) -> tuple[Step, ...]:
        """The steps with one of these verdicts."""
        return tuple(step for step in self.steps if step.action in actions)

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that write."""
        return self.having(*CHANGES)


async def make_plan(world: World, resources: Sequence[Resource]) -> Plan:
    """Compare everything. Reads only; what can be read at once is read at once.

    Raises:
        CallisiError: A provider refuses or does not answer, each named once.
    """
    world.steps.clear()
    first = [one for one in resources if not one.needs]
    await _read_ahead(world, first)
    for resource in first:
        world.steps[resource.key] = await judge(world, resource)
    rest = [one for one in resources if one.needs]
    await _read_ahead(world, [one for one in rest if _lacking(world, one) is None])
    for resource in rest:
        world.steps[resource.key] = await judge(world, resource)
    return Plan(tuple(world.steps[one.key] for one in resources))


async def _read_ahead(world: World, resources: Sequence[Resource]) -> None:
    """Look for all of them at once; what was found is remembered by the world."""
    wanted = [one for one in resources if one.skipped(world) is None]
    answers = await asyncio.gather(*(world.found(one.key) for one in wanted), return_exceptions=True)
    problems: dict[str, Problem] = {}
    for answer in answers:
        if isinstance(answer, CallisiError):
            problems |= {str(problem): problem for problem in answer.problems}
        elif isinstance(answer, BaseException) and not isinstance(answer, Blocked | Waiting):
            raise answer
    if problems:
        raise CallisiError(*problems.values())


async def judge(world: World, resource: Resource) -> Step:
    """What is to be done about one resource."""
    if (reason := resource.skipped(world)) is not None:
        return Step(resource.key, resource.title, "skipped", why=reason)
    if (lacking := _lacking(world, resource)) is not None:
        return _waiting(world, resource, lacking)
    try:
        found = await world.found(resource.key)
        if (stopped := _stopped(resource, found)) is not None:
            return stopped
        thing = found.ours[0] if found.ours else None
        if thing is None and resource.key in world.refused:
            raise world.refused[resource.key]
        fields = await resource.desired(world, thing)
        if resource.key in world.refused and fields is not None and differences(thing, fields):
            raise world.refused[resource.key]
    except Blocked as blocked:
        return Step(resource.key, resource.title, "blocked", why=blocked.what, blocked=blocked)
    except Waiting as waiting:
        return _waiting(world, resource, waiting.on)
    return await _compared(world, resource, found, thing, fields)


async def _compared(
    world: World, resource: Resource, found: Found, thing: Thing | None, fields: Fields | None
) -> Step:
    key, title = resource.key, resource.title
    if fields is None:
        if not found.ours:
            return Step(key, title, "unchanged")
        ids = ", ".join(one.id for one in found.ours)
        return Step(key, title, "delete", ids, marks=await resource.marks(world, "delete", thing))
    changes = differences(thing, fields)
    remark = await resource.remark(world, thing)
    if thing is not None and not changes:
        return Step(key, title, "unchanged", thing.id, why=remark, fields=fields)
    action: Action = "create" if thing is None else "update"
    marks = await resource.marks(world, action, thing)
    return Step(key, title, action, thing.id if thing else None, changes, marks, remark, fields=fields)


def differences(thing: Thing | None, fields: Fields) -> tuple[Change, ...]:
    """Field by field; everything is new where there is nothing yet."""
    before = {} if thing is None else thing.fields
    return tuple(
        Change(name, before.get(name), wanted)
        for name, wanted in fields.items()
        if thing is None or before.get(name) != wanted
    )


def shown(value: Any) -> Any:
    """A value as a plan may show it: secrets are not."""
    return str(value) if isinstance(value, Secret) else value


def _stopped(resource: Resource, found: Found) -> Step | None:
    key, title = resource.key, resource.title
    if len(found.ours) > 1 and not resource.several:
        ids = ", ".join(one.id for one in found.ours)
        why = f"{len(found.ours)} carry our tag ({ids}); delete all but one, then run this again"
        return Step(key, title, "stopped", why=why)
    if found.rivals:
        return Step(key, title, "stopped", why=_in_the_way(found.rivals))
    return None


def _in_the_way(rivals: Sequence[Rival]) -> str:
    told = "; ".join(f"{one.id}: {one.why}" for one in rivals)
    mend = f"Delete or rename it, or take it over: --adopt {rivals[0].id}"
    return f"in the way, and without this agent's tag: {told}. {mend}"


def _lacking(world: World, resource: Resource) -> str | None:
    """Which of its needs cannot be met now."""
    for key in resource.needs:
        step = world.steps.get(key)
        if step is None and key in world.resources:  # not judged yet: it may lack something itself
            if _lacking(world, world.resources[key]) is not None:
                return key
        elif step is not None and step.action in ("blocked", "waiting", "stopped"):
            return key
    return None


def _waiting(world: World, resource: Resource, on: str) -> Step:
    return Step(resource.key, resource.title, "waiting", why=f"waits for {world.title_of(on)}")
