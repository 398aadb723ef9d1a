"""Geo permissions: Twilio calls and writes to no country that the account has not opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.errors import CallisiError
from callisi_runtime.provision.resource import Blocked, Found, Marks, Resource, Thing
from callisi_runtime.provision.twilio_desk import is_final

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
    what: ClassVar[str]
    """What is permitted: `calls`."""
    console: ClassVar[str]
    """Where a person looks at the permissions."""

    def countries(self, world: World) -> tuple[str, ...]:
        """ISO codes of the countries that this agent needs."""
        raise NotImplementedError

    async def states(self, world: World, countries: tuple[str, ...]) -> dict[str, str]:
        """Country -> OPEN or CLOSED, as Twilio has it."""
        raise NotImplementedError

    async def opened(self, world: World, countries: tuple[str, ...]) -> dict[str, str]:
        """Open them; country -> why Twilio does not, for those that it leaves closed."""
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
        if refused := await self.opened(world, closed):
            raise _blocked(world, self, refused)
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
    what: ClassVar = "calls"
    console: ClassVar = "console.twilio.com, Voice, Settings, Geo permissions"

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

    async def opened(self, world: World, countries: tuple[str, ...]) -> dict[str, str]:
        """See Countries. Each by itself: of several at once, Twilio opens none when it refuses one."""
        refused = {}
        for country in countries:
            wanted = json.dumps([{"iso_code": country, "low_risk_numbers_enabled": "true"}])
            try:
                await world.twilio.write(
                    lambda client, wanted=wanted: (  # type: ignore[misc]
                        client.voice.v1.dialing_permissions.bulk_country_updates.create(update_request=wanted)
                    ),
                    f"{country} was opened for calls",
                )
            except CallisiError as error:
                if not is_final(error):
                    raise
                refused[country] = error.problems[0].message
        return refused


class MessagingPermissions(Countries):
    """SMS to staff. WhatsApp knows no such permission."""

    key: ClassVar = "twilio-messaging-permissions"
    title: ClassVar = "Twilio: countries that may get SMS"
    verb: ClassVar = "writes an SMS to"
    allows: ClassVar = "send SMS to"
    what: ClassVar = "SMS"
    console: ClassVar = "console.twilio.com, Messaging, Settings, Geo permissions"

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

    async def opened(self, world: World, countries: tuple[str, ...]) -> dict[str, str]:
        """See Countries. Twilio answers 200 to a refusal as well, and says it for each country."""
        wanted: list[object] = [
            {"country_code": one, "type": "country", "enabled": True} for one in countries
        ]
        answer = await world.twilio.write(
            lambda client: client.accounts.v1.messaging_geopermissions.update(permissions=wanted),
            f"{' and '.join(countries)} was opened for SMS",
        )
        return {
            str(one["country_code"]): _words(one) for one in answer.permissions or () if one.get("error_code")
        }


def countries_of(numbers: Iterable[str]) -> tuple[str, ...]:
    """ISO codes of E.164 numbers, each once, in order."""
    import phonenumbers

    found = (phonenumbers.region_code_for_number(phonenumbers.parse(number)) for number in numbers)
    return tuple(sorted({country for country in found if country}))


def _words(answer: dict[str, Any]) -> str:
    words = "; ".join(answer.get("error_messages") or ()) or "without a reason"
    return f"{words} ({answer['error_code']})"


def _blocked(world: World, kind: Countries, refused: dict[str, str]) -> Blocked:
    return Blocked(
        f"Twilio alone can open {' and '.join(refused)} for {kind.what}. " + "; ".join(refused.values()),
        who="the account's owner, who tells Twilio why they are needed",
        where=f"{kind.console}, or help.twilio.com; or name somebody in another country",
        how_long="some days",
        then=f"{world.again} --apply",
    )
