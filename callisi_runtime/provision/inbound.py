"""Where Twilio brings what staff answers: the number's message webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

from callisi_runtime.provision.resource import LATER, Blocked, Found, Resource, Thing

if TYPE_CHECKING:
    from callisi_runtime.provision.resource import Fields
    from callisi_runtime.provision.world import World
    from callisi_runtime.settings import Settings

PATH: Final = "/twilio/inbound"
NUMBER: Final = "twilio-number"
DEMO: Final = ("demo.twilio.com",)
"""Hosts that Twilio itself enters into a new number."""


class InboundMessages(Resource):
    """SMS to the number come to `callisi serve`; without a public address the worker fetches them."""

    key: ClassVar = "twilio-inbound"
    title: ClassVar = "Twilio: answers of staff"
    needs: ClassVar = (NUMBER,)

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        channels = world.spec.fallback.channels if world.spec.fallback else ()
        if not any(channel.sms is not None for channel in channels):
            return "this agent sends no SMS"
        if inbound_url(world.settings) is None:
            return "CALLISI_PUBLIC_URL is not set: the worker fetches the answers"
        return None

    async def find(self, world: World) -> Found:
        """See Resource."""
        sid = await world.id_of(NUMBER)
        if sid == LATER:
            return Found()
        number = await world.twilio.read(
            lambda client: client.incoming_phone_numbers(sid).fetch(), "the number"
        )
        return Found((_thing(number),))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        url = inbound_url(world.settings) or ""
        taken = thing is not None and not may_be_taken(thing.fields["sms_url"], url)
        if thing is not None and taken and not world.is_adopted(thing.id):
            raise Blocked(
                f"SMS to the number go to {thing.fields['sms_url']}, which is not this agent",
                who="you",
                where=f"{world.again} --apply --adopt {thing.id} takes them over; without it nobody's answer 1 is seen",
                how_long="a minute",
                then=world.again,
            )
        # An application takes the messages before the address does.
        return {"sms_url": url, "sms_method": "POST", "sms_application_sid": ""}

    async def create(self, world: World, fields: Fields) -> Thing:
        """The number has been bought meanwhile."""
        return await self.update(world, Thing(await world.id_of(NUMBER), {}), fields)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource."""
        wanted = dict(fields)
        if not thing.fields.get("sms_application_sid"):
            wanted.pop("sms_application_sid", None)
        number = await world.twilio.write(
            lambda client: client.incoming_phone_numbers(thing.id).update(**wanted),
            "the number was told where SMS go",
        )
        return _thing(number)

    async def delete(self, world: World, thing: Thing) -> None:
        """The number keeps its other settings."""
        await world.twilio.write(
            lambda client: client.incoming_phone_numbers(thing.id).update(sms_url=""), "SMS were let go"
        )

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """Only while they come to us."""
        found = await world.found(self.key)
        return tuple(one for one in found.ours if one.fields["sms_url"] == inbound_url(world.settings))


def inbound_url(settings: Settings) -> str | None:
    """Where `callisi serve` takes messages; None without a public address."""
    public = settings.callisi_public_url
    return f"{public.rstrip('/')}{PATH}" if public else None


def may_be_taken(now: Any, ours: str) -> bool:
    """Whether nobody else gets the messages: no address, Twilio's own demonstration, or ours of another day."""
    parts = urlsplit(str(now or ""))
    return not parts.netloc or parts.hostname in DEMO or str(now) == ours or parts.path == PATH


def _thing(number: Any) -> Thing:
    fields = {
        "sms_url": str(number.sms_url or ""),
        "sms_method": str(number.sms_method or "POST"),
        "sms_application_sid": str(number.sms_application_sid or ""),
    }
    return Thing(str(number.sid), fields, raw=number)
