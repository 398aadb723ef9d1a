"""Geo permissions: Twilio calls and writes to no country that the account has not opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.provision.resource import Found, Marks, Resource, Thing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callisi_runtime.provision.resource import Action, Fields
    from callisi_runtime.provision.world import World

OPEN: Final = "allowed"
CLOSED: Final = "refused"
ACCOUNT: Final = "account"


class Countries(Resource):
    """What both permissions have in common: a country for every number, opened and never closed.

    They are the account's, not ours: `--destroy` leaves them as they are.
    """

    needs: ClassVar = ("twilio-account",)
    verb: ClassVar[str]
    """What the agent does there: `calls`."""
    allows: ClassVar[str]
    """What the account's thieves could do there then: `call`."""

    def countries(self, world: World) -> tuple[str, ...]:
        """ISO codes of the countries that this agent needs."""
        raise NotImplementedError

    async def states(self, world: World, countries: tuple[str, ...]) -> dict[str, str]:
        """Country -> OPEN or CLOSED, as Twilio has it."""
        raise NotImplementedError

    async def opened(self, world: World, countries: tuple[str, ...]) -> None:
        """Open them."""
        raise NotImplementedError

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        return None if self.countries(world) else f"this agent {self.verb} nobody"

    async def find(self, world: World) -> Found:
        """See Resource."""
        return Found((Thing(ACCOUNT, await self.states(world, self.countries(world))),))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        return dict.fromkeys(self.countries(world), OPEN)

    async def create(self, world: World, fields: Fields) -> Thing:
        """The account is always there."""
        return await self.update(world, Thing(ACCOUNT, {}), fields)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource."""
        closed = tuple(country for country in fields if thing.fields.get(country) != OPEN)
        await self.opened(world, closed)
        return Thing(ACCOUNT, {**thing.fields, **fields})

    async def delete(self, world: World, thing: Thing) -> None:
        """Nothing: others may need them."""

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """See Resource."""
        return ()

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        closed = [one for one in self.countries(world) if thing is None or thing.fields.get(one) != OPEN]
        where = " and ".join(closed)
        return Marks(
            risk=f"whoever has the account's credentials can then {self.allows} {where} at your cost"
        )


class VoicePermissions(Countries):
    """Calls to people: ordinary numbers alone; special and fraud-prone ranges stay closed."""

    key: ClassVar = "twilio-voice-permissions"
    title: ClassVar = "Twilio: countries that may be called"
    verb: ClassVar = "calls"
    allows: ClassVar = "call"

    def countries(self, world: World) -> tuple[str, ...]:
        """See Countries."""
        transfer = world.spec.transfer
        return countries_of(target.to for target in transfer.to) if transfer else ()

    async def states(self, world: World, countries: tuple[str, ...]) -> dict[str, str]:
        """See Countries."""
        return {country: await self._state(world, country) for country in countries}

    async def _state(self, world: World, country: str) -> str:
        found = await world.twilio.read(
            lambda client: client.voice.v1.dialing_permissions.countries(country).fetch(),
            f"the permission to call {country}",
        )
        return OPEN if found.low_risk_numbers_enabled else CLOSED

    async def opened(self, world: World, countries: tuple[str, ...]) -> None:
        """See Countries."""
        wanted = json.dumps([{"iso_code": one, "low_risk_numbers_enabled": "true"} for one in countries])
        await world.twilio.write(
            lambda client: client.voice.v1.dialing_permissions.bulk_country_updates.create(
                update_request=wanted
            ),
            f"{' and '.join(countries)} was opened for calls",
        )


class MessagingPermissions(Countries):
    """SMS to staff. WhatsApp knows no such permission."""

    key: ClassVar = "twilio-messaging-permissions"
    title: ClassVar = "Twilio: countries that may get SMS"
    verb: ClassVar = "writes an SMS to"
    allows: ClassVar = "send SMS to"

    def countries(self, world: World) -> tuple[str, ...]:
        """See Countries."""
        channels = world.spec.fallback.channels if world.spec.fallback else ()
        return countries_of(channel.sms.to for channel in channels if channel.sms is not None)

    async def states(self, world: World, countries: tuple[str, ...]) -> dict[str, str]:
        """See Countries."""
        found = await world.twilio.read(
            lambda client: client.accounts.v1.messaging_geopermissions.fetch(
                country_code=",".join(countries)
            ),
            "the permissions to send SMS",
        )
        allowed = {one["country_code"] for one in found.permissions or () if one.get("enabled")}
        return {country: OPEN if country in allowed else CLOSED for country in countries}

    async def opened(self, world: World, countries: tuple[str, ...]) -> None:
        """See Countries. Twilio answers 200 to a refusal as well, and says it for each country."""
        wanted: list[object] = [
            {"country_code": one, "type": "country", "enabled": True} for one in countries
        ]
        answer = await world.twilio.write(
            lambda client: client.accounts.v1.messaging_geopermissions.update(permissions=wanted),
            f"{' and '.join(countries)} was opened for SMS",
        )
        refused = [one for one in answer.permissions or () if one.get("error_code")]
        if refused:
            raise CallisiError(*map(_refusal, refused))


def countries_of(numbers: Iterable[str]) -> tuple[str, ...]:
    """ISO codes of E.164 numbers, each once, in order."""
    import phonenumbers

    found = (phonenumbers.region_code_for_number(phonenumbers.parse(number)) for number in numbers)
    return tuple(sorted({country for country in found if country}))


def _refusal(answer: dict[str, Any]) -> Problem:
    words = "; ".join(answer.get("error_messages") or ()) or "without a reason"
    return Problem(
        f"Twilio does not open {answer['country_code']} for SMS: {words} ({answer['error_code']})",
        code="twilio",
        hint="ask Twilio's support to open it, or name a recipient in another country",
    )
