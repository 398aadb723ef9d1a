"""The line as code: what an agent needs at Twilio and LiveKit, compared with what is there, and made so.

`registry.RESOURCES` lists the kinds of objects. Each says how it is found by our tag, how it should be, and how it is
made, changed and deleted (`resource.Resource`). `plan.make_plan` compares and only reads; `apply.apply` carries out;
`destroy` takes away. What only people can do is `Blocked`.

To add a kind: subclass `Resource` in a module of its own, and put it into the registry after what it needs. Ask
providers through `world.twilio` and `world.livekit` alone: they give up in time, repeat only what is safe to repeat,
and turn refusals into sentences. `find` must find ours again after a lost answer, so every object is made with the tag.
"""

from __future__ import annotations

from callisi_runtime.provision.apply import Applied, apply, keep
from callisi_runtime.provision.destroy import destroy, plan_destruction
from callisi_runtime.provision.plan import Change, Plan, Step, make_plan
from callisi_runtime.provision.registry import RESOURCES
from callisi_runtime.provision.resource import Blocked, Resource
from callisi_runtime.provision.world import Options, World

__all__ = [
    "RESOURCES",
    "Applied",
    "Blocked",
    "Change",
    "Options",
    "Plan",
    "Resource",
    "Step",
    "World",
    "apply",
    "destroy",
    "keep",
    "make_plan",
    "plan_destruction",
]
