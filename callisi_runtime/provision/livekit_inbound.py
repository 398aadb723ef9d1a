"""LiveKit's inbound trunk: which calls come in, from whom, and when they go back to the carrier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.provision.resource import Action, Fields, Found, Marks, Resource, Rival, Thing
from callisi_runtime.provision.world import is_tagged, tagged_metadata

if TYPE_CHECKING:
    from callisi_runtime.provision.world import World

RINGS: Final = 20
"""Seconds that a caller hears it ring when no worker takes the call; LiveKit's own limit is three minutes."""
LONGEST_CALL: Final = 4 * 3600
"""Seconds; the last net under a leg that everybody has forgotten."""
CALLER_ID: Final = {"P-Asserted-Identity": "callisi.pai", "Privacy": "callisi.privacy"}
"""Header -> attribute of the caller, as a call reads them."""
TWILIO_SIGNALLING: Final = (
    "54.172.60.0/30",  # Virginia
    "54.244.51.0/30",  # Oregon
    "54.171.127.192/30",  # Dublin
    "35.156.191.128/30",  # Frankfurt
    "54.65.63.192/30",  # Tokyo
    "54.169.127.128/30",  # Singapore
    "54.252.254.64/30",  # Sydney
    "177.71.206.192/30",  # Sao Paulo
)
"""Where Twilio's INVITEs come from. Twilio lists them under docs/sip-trunking/ip-addresses; if that list has changed,
SIP_ALLOWED_ADDRESSES takes the place of this one."""


class InboundTrunk(Resource):
    """The trunk that takes calls to our number. LiveKit refuses a second one for the same number."""

    key: ClassVar = "livekit-inbound"
    title: ClassVar = "LiveKit: inbound trunk"
    needs: ClassVar = ("livekit-project",)

    async def find(self, world: World) -> Found:
        """See Resource."""
        from livekit import api

        held = await world.livekit.read(
            lambda sip: sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest()), "the inbound trunks"
        )
        ours = [
            one
            for one in held.items
            if is_tagged(one.metadata, world.tag) or world.is_adopted(one.sip_trunk_id)
        ]
        rivals = [
            Rival(one.sip_trunk_id, f"it takes calls to {world.wanted_number} already")
            for one in held.items
            if one not in ours and world.wanted_number in one.numbers
        ]
        return Found(tuple(_thing(one) for one in ours), tuple(rivals))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        return {
            "name": world.tag,
            "metadata": tagged_metadata(world.tag),
            "numbers": [await world.number()],
            "allowed_addresses": allowed_addresses(world),
            "ringing_timeout": RINGS,
            "max_call_duration": LONGEST_CALL,
            "include_headers": "SIP_X_HEADERS",
            "headers_to_attributes": CALLER_ID,
            "encryption": encryption(world),
        }

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource."""
        from livekit import api
        from livekit.protocol.sip import SIPInboundTrunkInfo

        request = api.CreateSIPInboundTrunkRequest(trunk=_filled(SIPInboundTrunkInfo(), fields))
        made = await world.livekit.write(
            lambda sip: sip.create_inbound_trunk(request), "the inbound trunk was created"
        )
        return _thing(made)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource. It is replaced as a whole: an update of single fields cannot reach the timeouts and headers."""
        trunk = _filled(thing.raw, fields)
        made = await world.livekit.write(
            lambda sip: sip.update_inbound_trunk(thing.id, trunk), "the inbound trunk was updated"
        )
        return _thing(made)

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        from livekit import api

        request = api.DeleteSIPTrunkRequest(sip_trunk_id=thing.id)
        await world.livekit.write(lambda sip: sip.delete_trunk(request), "the inbound trunk was deleted")

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        return Marks(risk="counts for the next call") if action == "update" else Marks()


def allowed_addresses(world: World) -> list[str]:
    """Whose calls are taken: SIP_ALLOWED_ADDRESSES, or where Twilio's come from."""
    given = world.settings.sip_allowed_addresses
    if not given:
        return list(TWILIO_SIGNALLING)
    return [one.strip() for one in given.split(",") if one.strip()]


def encryption(world: World) -> str:
    """LiveKit's word for whether voices are encrypted."""
    return "SIP_MEDIA_ENCRYPT_REQUIRE" if world.settings.sip_secure else "SIP_MEDIA_ENCRYPT_DISABLE"


def encryption_of(trunk: Any) -> str:
    """What a trunk says about it, in either of the two places."""
    from livekit.protocol.sip import SIPMediaEncryption

    return str(SIPMediaEncryption.Name(trunk.media.encryption or trunk.media_encryption))


def encrypt(trunk: Any, wanted: str) -> None:
    """Write it where it is read."""
    from livekit.protocol.sip import SIPMediaEncryption

    trunk.media_encryption = SIPMediaEncryption.Value(wanted)
    if trunk.HasField("media"):
        trunk.media.encryption = SIPMediaEncryption.Value(wanted)


def _thing(trunk: Any) -> Thing:
    from livekit.protocol.sip import SIPHeaderOptions

    fields = {
        "name": trunk.name,
        "metadata": trunk.metadata,
        "numbers": list(trunk.numbers),
        "allowed_addresses": list(trunk.allowed_addresses),
        "ringing_timeout": trunk.ringing_timeout.seconds,
        "max_call_duration": trunk.max_call_duration.seconds,
        "include_headers": SIPHeaderOptions.Name(trunk.include_headers),
        "headers_to_attributes": dict(trunk.headers_to_attributes),
        "encryption": encryption_of(trunk),
    }
    return Thing(trunk.sip_trunk_id, fields, trunk)


def _filled(trunk: Any, fields: Fields) -> Any:
    """A copy with these fields, everything else as it was."""
    from livekit.protocol.sip import SIPHeaderOptions

    filled = type(trunk)()
    filled.CopyFrom(trunk)
    filled.name, filled.metadata = fields["name"], fields["metadata"]
    filled.numbers[:] = fields["numbers"]
    filled.allowed_addresses[:] = fields["allowed_addresses"]
    filled.ringing_timeout.FromSeconds(fields["ringing_timeout"])
    filled.max_call_duration.FromSeconds(fields["max_call_duration"])
    filled.include_headers = SIPHeaderOptions.Value(fields["include_headers"])
    filled.headers_to_attributes.clear()
    filled.headers_to_attributes.update(fields["headers_to_attributes"])
    encrypt(filled, fields["encryption"])
    return filled
