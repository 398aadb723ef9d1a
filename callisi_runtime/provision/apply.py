"""Carries a plan out, step by step, and reads back what came of it.

Each resource is looked for again right before it is written: whatever a run before it has left, and whatever an answer
that got lost has done, is found and continued. Stopping after any step is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from callisi_runtime.provision.plan import CHANGES, Plan, Step, judge, make_plan
from callisi_runtime.provision.resource import Blocked, Unknown
from callisi_runtime.provision.secrets import check_writable

if TYPE_CHECKING:
    from callisi_runtime.provision.resource import Resource, Thing
    from callisi_runtime.provision.world import World

Tell = Callable[[Step], None]
SETTLED = ("create", "update", "unchanged")


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, and what a fresh look at everything says afterwards."""

    done: tuple[Step, ...]
    after: Plan

    @property
    def converged(self) -> bool:
        """Whether everything that can be is as it should be."""
        return not self.after.changes and not self.after.having("stopped")


async def apply(world: World, resources: Sequence[Resource], tell: Tell) -> Applied:
    """Make everything as it should be. `tell` hears of each step that was taken.

    Raises:
        CallisiError: A provider refused, or nobody knows; what came before it is done.
    """
    check_writable(world.options.env_file)
    done: list[Step] = []
    world.steps.clear()
    for resource in resources:
        world.forget(resource.key)
        step = await judge(world, resource)
        world.steps[resource.key] = step
        if step.action == "stopped":
            break
        if step.action in CHANGES:
            try:
                step = replace(step, id=await _carried_out(world, resource, step))
            except Blocked as blocked:  # only the attempt has shown it
                world.steps[resource.key] = replace(step, action="blocked", why=blocked.what, blocked=blocked)
                world.refused[resource.key] = blocked
                continue
            done.append(step)
            tell(step)
        if step.action in SETTLED and (thing := await world.one(resource.key)) is not None:
            await resource.settle(world, thing)
    world.forget()
    return Applied(tuple(done), await make_plan(world, resources))


async def keep(world: World, resources: Sequence[Resource], plan: Plan) -> Applied:
    """What is left to do after a plan without changes: write down what belongs on this machine."""
    for resource in resources:
        step = world.steps.get(resource.key)
        if step is None or step.action != "unchanged":
            continue
        if (thing := await world.one(resource.key)) is not None:
            await resource.settle(world, thing)
    return Applied((), plan)


async def _carried_out(world: World, resource: Resource, step: Step) -> str | None:
    if step.action == "delete":
        await delete_all(world, resource, (await world.found(resource.key)).ours)
        return step.id
    thing = await world.one(resource.key)
    try:
        made = await _written(world, resource, step, thing)
    except Unknown:
        world.forget(resource.key)
        again, found = await judge(world, resource), await world.one(resource.key)
        if again.action not in ("unchanged", "blocked") or found is None:
            raise
        return found.id  # it was done, if only to wait for somebody now; the answer alone was lost
    world.put(resource.key, made)
    return made.id


async def _written(world: World, resource: Resource, step: Step, thing: Thing | None) -> Thing:
    fields = step.fields or {}
    return await (resource.create(world, fields) if thing is None else resource.update(world, thing, fields))


async def delete_all(world: World, resource: Resource, things: Sequence[Thing]) -> None:
    """Delete; what is gone already is gone."""
    for thing in things:
        try:
            await resource.delete(world, thing)
        except Unknown:
            world.forget()
            if thing.id in {one.id for one in await resource.removable(world)}:
                raise
    world.put(resource.key)
