"""LiveKit's dispatch rule: each caller into a room of their own, and this agent with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.provision.resource import LATER, Action, Fields, Found, Marks, Resource, Rival, Thing
from callisi_runtime.provision.world import is_tagged, tagged_metadata

if TYPE_CHECKING:
    from callisi_runtime.provision.world import World

ROOM_PREFIX: Final = "call-"
DEPARTURE_SECONDS: Final = 2
"""How long a room outlives its last telephone."""


class DispatchRule(Resource):
    """The rule of our inbound trunk. LiveKit refuses a second one for the same trunk."""

    key: ClassVar = "dispatch-rule"
    title: ClassVar = "LiveKit: dispatch rule"
    needs: ClassVar = ("livekit-inbound",)

    async def find(self, world: World) -> Found:
        """See Resource."""
        from livekit import api

        trunk = await world.one("livekit-inbound")
        held = await world.livekit.read(
            lambda sip: sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest()), "the dispatch rules"
        )
        ours = [
            one
            for one in held.items
            if is_tagged(one.metadata, world.tag) or world.is_adopted(one.sip_dispatch_rule_id)
        ]
        rivals = [
            Rival(one.sip_dispatch_rule_id, "it wants the calls of our trunk")
            for one in held.items
            if one not in ours and trunk is not None and trunk.id in one.trunk_ids
        ]
        return Found(tuple(_thing(one) for one in ours), tuple(rivals))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        return {
            "name": world.tag,
            "metadata": tagged_metadata(world.tag),
            "trunk_ids": [await world.id_of("livekit-inbound")],
            "room_prefix": ROOM_PREFIX,
            "agent_name": world.spec.name,
            "departure_timeout": DEPARTURE_SECONDS,
        }

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource."""
        from livekit import api
        from livekit.protocol.sip import SIPDispatchRuleInfo

        request = api.CreateSIPDispatchRuleRequest(dispatch_rule=_filled(SIPDispatchRuleInfo(), fields))
        made = await world.livekit.write(
            lambda sip: sip.create_dispatch_rule(request), "the dispatch rule was created"
        )
        return _thing(made)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource. It is replaced as a whole: an update of single fields cannot reach the agent's name."""
        rule = _filled(thing.raw, fields)
        made = await world.livekit.write(
            lambda sip: sip.update_dispatch_rule(thing.id, rule), "the dispatch rule was updated"
        )
        return _thing(made)

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        from livekit import api

        request = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=thing.id)
        await world.livekit.write(
            lambda sip: sip.delete_dispatch_rule(request), "the dispatch rule was deleted"
        )

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        return Marks(risk="counts for the next call") if action == "update" else Marks()


def _thing(rule: Any) -> Thing:
    agents = [one.agent_name for one in rule.room_config.agents]
    individual = rule.rule.dispatch_rule_individual if rule.rule.WhichOneof("rule") else None
    fields = {
        "name": rule.name,
        "metadata": rule.metadata,
        "trunk_ids": list(rule.trunk_ids),
        "room_prefix": individual.room_prefix if individual is not None else "",
        "agent_name": agents[0] if len(agents) == 1 else agents,
        "departure_timeout": rule.room_config.departure_timeout,
    }
    return Thing(rule.sip_dispatch_rule_id, fields, rule)


def _filled(rule: Any, fields: Fields) -> Any:
    """A copy with these fields, everything else as it was."""
    assert LATER not in fields["trunk_ids"], "a trunk comes before its rule"
    filled = type(rule)()
    filled.CopyFrom(rule)
    filled.name, filled.metadata = fields["name"], fields["metadata"]
    filled.trunk_ids[:] = fields["trunk_ids"]
    filled.rule.dispatch_rule_individual.room_prefix = fields["room_prefix"]
    if [one.agent_name for one in filled.room_config.agents] != [fields["agent_name"]]:
        del filled.room_config.agents[:]
        filled.room_config.agents.add(agent_name=fields["agent_name"])
    filled.room_config.departure_timeout = fields["departure_timeout"]
    return filled
