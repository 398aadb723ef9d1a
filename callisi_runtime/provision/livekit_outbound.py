"""LiveKit's outbound trunk: over it people are dialled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from callisi_runtime.provision.livekit_inbound import encrypt, encryption, encryption_of
from callisi_runtime.provision.resource import (
    LATER,
    Action,
    Fields,
    Found,
    Marks,
    Resource,
    Rival,
    Secret,
    Thing,
)
from callisi_runtime.provision.twilio_credentials import NO_TRANSFER, current_user
from callisi_runtime.provision.world import is_tagged, tagged_metadata

if TYPE_CHECKING:
    from callisi_runtime.provision.world import World


class OutboundTrunk(Resource):
    """The trunk that the agent's `transfer.trunk` names. LiveKit makes a second one of that name without asking."""

    key: ClassVar = "livekit-outbound"
    title: ClassVar = "LiveKit: outbound trunk"
    needs: ClassVar = ("livekit-project", "sip-user")

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        transfer = world.spec.transfer
        if transfer is None:
            return NO_TRANSFER
        if transfer.trunk.startswith("ST_") and not world.is_adopted(transfer.trunk):
            return f"transfer.trunk is {transfer.trunk}, a trunk of your own; to hand it over: --adopt {transfer.trunk}"
        return None

    async def find(self, world: World) -> Found:
        """See Resource."""
        from livekit import api

        held = await world.livekit.read(
            lambda sip: sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest()), "the outbound trunks"
        )
        ours = [
            one
            for one in held.items
            if is_tagged(one.metadata, world.tag) or world.is_adopted(one.sip_trunk_id)
        ]
        rivals = [
            Rival(one.sip_trunk_id, "it has the name that SIP_TRUNK_NAME says")
            for one in held.items
            if one not in ours and one.name == outbound_name(world)
        ]
        return Found(tuple(_thing(one) for one in ours), tuple(rivals))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        user = current_user(world)
        password = world.setting("sip_trunk_password") if user else None
        fields: dict[str, Any] = {
            "name": outbound_name(world),
            "metadata": tagged_metadata(world.tag),
            "address": world.edged(world.domain),
            "transport": "SIP_TRANSPORT_TLS" if world.settings.sip_secure else "SIP_TRANSPORT_TCP",
            "numbers": [await world.number()],
            "auth_username": user or LATER,
            "encryption": encryption(world),
        }
        if thing is None or user is None or not hides_password(thing, user):
            fields["auth_password"] = Secret(password or LATER)
        return fields

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource."""
        from livekit import api
        from livekit.protocol.sip import SIPOutboundTrunkInfo

        request = api.CreateSIPOutboundTrunkRequest(trunk=_filled(SIPOutboundTrunkInfo(), fields))
        made = await world.livekit.write(
            lambda sip: sip.create_outbound_trunk(request), "the outbound trunk was created"
        )
        return _thing(made)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource. It is replaced as a whole: an update of single fields cannot reach all of them."""
        trunk = _filled(thing.raw, fields)
        made = await world.livekit.write(
            lambda sip: sip.update_outbound_trunk(thing.id, trunk), "the outbound trunk was updated"
        )
        return _thing(made)

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        from livekit import api

        request = api.DeleteSIPTrunkRequest(sip_trunk_id=thing.id)
        await world.livekit.write(lambda sip: sip.delete_trunk(request), "the outbound trunk was deleted")

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        return Marks(risk="counts for the next call that is put through") if action == "update" else Marks()


def hides_password(thing: Thing, user: str) -> bool:
    """Whether LiveKit keeps the password of this user to itself: then it cannot be compared."""
    return bool(thing.fields["auth_username"] == user and thing.fields["auth_password"] == Secret(""))


def outbound_name(world: World) -> str:
    """What `transfer.trunk` says; a trunk that was named by its id keeps being called after our tag."""
    transfer = world.spec.transfer
    name = transfer.trunk if transfer is not None else ""
    return world.tag if name.startswith("ST_") else name


def _thing(trunk: Any) -> Thing:
    from livekit.protocol.sip import SIPTransport

    fields = {
        "name": trunk.name,
        "metadata": trunk.metadata,
        "address": trunk.address,
        "transport": SIPTransport.Name(trunk.transport),
        "numbers": list(trunk.numbers),
        "auth_username": trunk.auth_username,
        "auth_password": Secret(trunk.auth_password),
        "encryption": encryption_of(trunk),
    }
    return Thing(trunk.sip_trunk_id, fields, trunk)


def _filled(trunk: Any, fields: Fields) -> Any:
    """A copy with these fields, everything else as it was."""
    from livekit.protocol.sip import SIPTransport

    assert fields["auth_username"] != LATER, "the user comes before the trunk that dials with it"
    filled = type(trunk)()
    filled.CopyFrom(trunk)
    filled.name, filled.metadata = fields["name"], fields["metadata"]
    filled.address, filled.transport = fields["address"], SIPTransport.Value(fields["transport"])
    filled.numbers[:] = fields["numbers"]
    filled.auth_username = fields["auth_username"]
    if "auth_password" in fields:
        filled.auth_password = fields["auth_password"].value
    encrypt(filled, fields["encryption"])
    return filled
