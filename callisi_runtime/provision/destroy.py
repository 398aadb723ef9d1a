"""Takes away what provisioning made, in the reverse order: only what carries our tag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from callisi_runtime.provision.apply import Applied, Tell, delete_all
from callisi_runtime.provision.plan import Plan, Step
from callisi_runtime.provision.resource import Blocked, Waiting

if TYPE_CHECKING:
    from callisi_runtime.provision.resource import Resource
    from callisi_runtime.provision.world import World


async def plan_destruction(world: World, resources: Sequence[Resource]) -> Plan:
    """What would be deleted, last made first."""
    steps = []
    for resource in reversed(resources):
        try:
            things = await resource.removable(world)
        except Blocked as blocked:
            steps.append(Step(resource.key, resource.title, "blocked", why=blocked.what, blocked=blocked))
            continue
        except Waiting:
            continue  # what it hangs on is not there, so it is not either
        if things:
            marks = await resource.marks(world, "delete", things[0])
            ids = ", ".join(thing.id for thing in things)
            steps.append(Step(resource.key, resource.title, "delete", ids, marks=marks))
    return Plan(tuple(steps))


async def destroy(world: World, resources: Sequence[Resource], tell: Tell) -> Applied:
    """Delete it. Each is looked for again before; what hangs on a trunk goes before the trunk.

    Raises:
        CallisiError: A provider refused, or nobody knows; what came before it is gone.
    """
    done = []
    for resource in reversed(resources):
        world.forget(resource.key)
        try:
            things = await resource.removable(world)
        except (Blocked, Waiting):
            continue
        if not things:
            continue
        await delete_all(world, resource, things)
        step = Step(resource.key, resource.title, "delete", ", ".join(thing.id for thing in things))
        done.append(step)
        tell(step)
    world.forget()
    return Applied(tuple(done), await plan_destruction(world, resources))
