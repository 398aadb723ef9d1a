"""Twilio's Elastic SIP trunk, and the way from it to LiveKit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.provision.gates import sip_host
from callisi_runtime.provision.resource import Action, Fields, Found, Marks, Resource, Rival, Thing
from callisi_runtime.provision.twiml import WHEN

if TYPE_CHECKING:
    from callisi_runtime.provision.world import World

DEFAULT_NAME: Final = "Callisi-LiveKit-Trunk"
DO_NOT_RECORD: Final = "do-not-record"


class Trunk(Resource):
    """The trunk. Its name is people's; what makes it ours is its domain, unique in the world."""

    key: ClassVar = "twilio-trunk"
    title: ClassVar = "Twilio: SIP trunk"
    needs: ClassVar = ("twilio-account",)

    async def find(self, world: World) -> Found:
        """See Resource."""
        trunks = await world.twilio.read(lambda c: c.trunking.v1.trunks.list(), "the trunks")
        named = [
            one
            for one in trunks
            if _lower(one.domain_name) == world.domain
            or one.friendly_name == trunk_name(world)
            or world.is_adopted(one.sid)
        ]
        ours = [one for one in named if _lower(one.domain_name) == world.domain or world.is_adopted(one.sid)]
        rivals = [Rival(one.sid, _why(one, world)) for one in named if one not in ours]
        return Found(tuple(_thing(one) for one in ours), tuple(rivals))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        settings, transfer = world.settings, world.spec.transfer
        refers = transfer is not None and transfer.mode == "refer"
        fields: dict[str, Any] = {
            "friendly_name": trunk_name(world),
            "domain_name": world.domain,
            "transfer_mode": "enable-all" if refers else "disable-all",
            "secure": settings.sip_secure,
            "recording": DO_NOT_RECORD,
        }
        if refers:
            fields["transfer_caller_id"] = "from-transferee"
        if settings.twilio_disaster_recovery_url:
            fields |= {
                "disaster_recovery_url": settings.twilio_disaster_recovery_url,
                "disaster_recovery_method": "GET",
            }
        return fields

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource."""
        values = _writable(fields)
        made = await world.twilio.write(
            lambda c: c.trunking.v1.trunks.create(**values), "the trunk was created"
        )
        return await self._silenced(world, _thing(made))

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource."""
        values = _writable(fields)
        if any(thing.fields.get(name) != value for name, value in values.items()):
            made = await world.twilio.write(
                lambda c: c.trunking.v1.trunks(thing.id).update(**values), "the trunk was updated"
            )
            thing = _thing(made)
        return await self._silenced(world, thing)

    async def _silenced(self, world: World, thing: Thing) -> Thing:
        if thing.fields["recording"] != DO_NOT_RECORD:
            await world.twilio.write(
                lambda c: c.trunking.v1.trunks(thing.id).recordings().update(mode=DO_NOT_RECORD),
                "recording was switched off",
            )
        return Thing(thing.id, {**thing.fields, "recording": DO_NOT_RECORD})

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        await world.twilio.write(lambda c: c.trunking.v1.trunks(thing.id).delete(), "the trunk was deleted")

    async def remark(self, world: World, thing: Thing | None) -> str | None:
        """See Resource."""
        if world.settings.twilio_disaster_recovery_url:
            return WHEN
        return f"no disaster recovery URL: when LiveKit is down, callers hear an error; --twiml prints a route. {WHEN}"

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        if action == "update":
            return Marks(risk="calls that begin meanwhile may meet the trunk half changed")
        return Marks()


class Origination(Resource):
    """Where calls from outside go: LiveKit's SIP service."""

    key: ClassVar = "origination"
    title: ClassVar = "Twilio: trunk, origination"
    needs: ClassVar = ("twilio-trunk", "livekit-project")

    async def find(self, world: World) -> Found:
        """See Resource."""
        trunk = await world.one("twilio-trunk")
        if trunk is None:
            return Found()
        urls = await world.twilio.read(
            lambda c: c.trunking.v1.trunks(trunk.id).origination_urls.list(), "the trunk's origination URIs"
        )
        ours = [one for one in urls if one.friendly_name == world.tag or world.is_adopted(one.sid)]
        return Found(tuple(_route(one) for one in ours))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        await world.id_of("twilio-trunk")
        settings = world.settings
        uri = f"sip:{sip_host(settings.livekit_sip_uri or '')};transport={'tls' if settings.sip_secure else 'tcp'}"
        if settings.twilio_edge:
            uri += f";edge={settings.twilio_edge}"
        return {
            "friendly_name": world.tag,
            "sip_url": uri,
            "priority": 10,
            "weight": 10,
            "enabled": True,
        }

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource."""
        trunk = await world.id_of("twilio-trunk")
        made = await world.twilio.write(
            lambda c: c.trunking.v1.trunks(trunk).origination_urls.create(**fields),
            "the origination URI was created",
        )
        return _route(made)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource."""
        trunk = await world.id_of("twilio-trunk")
        made = await world.twilio.write(
            lambda c: c.trunking.v1.trunks(trunk).origination_urls(thing.id).update(**fields),
            "the origination URI was updated",
        )
        return _route(made)

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        trunk = await world.id_of("twilio-trunk")
        await world.twilio.write(
            lambda c: c.trunking.v1.trunks(trunk).origination_urls(thing.id).delete(),
            "the origination URI was deleted",
        )

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        return Marks(risk="calls go there from now on") if action == "update" else Marks()


def trunk_name(world: World) -> str:
    """SIP_TRUNK_NAME; the usual name where it is an id of LiveKit's."""
    transfer = world.spec.transfer
    name = transfer.trunk if transfer is not None else world.settings.sip_trunk_name or DEFAULT_NAME
    return DEFAULT_NAME if name.startswith("ST_") else name


def _thing(trunk: Any) -> Thing:
    names = (
        "friendly_name",
        "domain_name",
        "transfer_mode",
        "transfer_caller_id",
        "secure",
        "disaster_recovery_url",
        "disaster_recovery_method",
    )
    fields = {name: getattr(trunk, name) for name in names}
    fields["domain_name"] = _lower(trunk.domain_name)
    return Thing(trunk.sid, {**fields, "recording": (trunk.recording or {}).get("mode", DO_NOT_RECORD)})


def _writable(fields: Fields) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "recording"}


def _route(url: Any) -> Thing:
    names = ("friendly_name", "sip_url", "priority", "weight", "enabled")
    return Thing(url.sid, {name: getattr(url, name) for name in names})


def _lower(domain: str | None) -> str:
    return (domain or "").lower()


def _why(trunk: Any, world: World) -> str:
    domain = trunk.domain_name or "no domain"
    return f"also called {trunk.friendly_name}, with {domain} instead of {world.domain}"
