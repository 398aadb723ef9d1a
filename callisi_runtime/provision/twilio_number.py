"""The number: found, or bought when money may be spent; and, last of all, its calls led to the trunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.provision.resource import Action, Blocked, Fields, Found, Marks, Resource, Thing, Waiting
from callisi_runtime.provision.search import Offer, offers, rent
from callisi_runtime.provision.secrets import write_settings

if TYPE_CHECKING:
    from callisi_runtime.provision.world import World


class Number(Resource):
    """A number of the account: the one that TWILIO_PHONE_NUMBER says, or the one that was bought for this agent."""

    key: ClassVar = "twilio-number"
    title: ClassVar = "Twilio: number"
    needs: ClassVar = ("twilio-account", "twilio-regulatory-bundle")

    async def find(self, world: World) -> Found:
        """See Resource."""
        wanted = world.wanted_number
        question = {"phone_number": wanted} if wanted else {"friendly_name": world.tag}
        held = await world.twilio.read(lambda c: c.incoming_phone_numbers.list(**question), "the numbers")
        return Found(tuple(number_thing(one) for one in held if wanted in (None, one.phone_number)))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        _refuse_two_numbers(world)
        if thing is not None:
            if not thing.fields["voice"]:
                raise _takes_no_calls(world, thing)
            return {"phone_number": thing.fields["phone_number"], "voice": True}
        if not world.options.buy:
            raise await _must_be_bought(world)
        number = world.options.number or world.wanted_number or (await _first(world)).number
        return {"phone_number": number, "friendly_name": world.tag}

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource. Bought under our name, so that a lost answer is found again."""
        papers = await _papers(world, fields["phone_number"])
        try:
            made = await world.twilio.write(
                lambda c: c.incoming_phone_numbers.create(**fields, **papers), "the number was bought"
            )
        except CallisiError as error:
            raise _lacks_papers(world, error) from error
        return number_thing(made)

    async def settle(self, world: World, thing: Thing) -> None:
        """See Resource: the number is written down, also where the answer to its purchase was lost."""
        if world.wanted_number is None:
            number = str(thing.fields["phone_number"])
            write_settings(world.options.env_file, {"TWILIO_PHONE_NUMBER": number})
            world.written["TWILIO_PHONE_NUMBER"] = number

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource: what a number can do cannot be changed."""
        return thing

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        await world.twilio.write(
            lambda c: c.incoming_phone_numbers(thing.id).delete(), "the number was released"
        )

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """See Resource: only when it was asked for, and only a number that was bought here."""
        if not world.options.release_number:
            return ()
        return tuple(
            one for one in (await world.found(self.key)).ours if one.fields["friendly_name"] == world.tag
        )

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        if action == "create":
            price = await rent(world, world.options.country, world.options.number_type)
            return Marks(money=f"{price}, until the number is released")
        if action == "delete":
            return Marks(risk="the number is lost for good; Twilio sells it to somebody else")
        return Marks()

    async def remark(self, world: World, thing: Thing | None) -> str | None:
        """See Resource."""
        wants_sms = world.spec.fallback is not None and any(
            channel.sms is not None and channel.sms.sender is None for channel in world.spec.fallback.channels
        )
        if thing is not None and world.wanted_number is None:
            return f"it was bought for this agent; --apply writes TWILIO_PHONE_NUMBER into {world.options.env_file}"
        if thing is not None and wants_sms and not thing.fields["sms"]:
            return "it cannot send SMS, which this agent's messages need: a mobile number can"
        return None


class NumberOnTrunk(Resource):
    """The number's calls go to the trunk. The last step: from here on, callers meet the agent."""

    key: ClassVar = "number-on-trunk"
    title: ClassVar = "Twilio: number on the trunk"
    needs: ClassVar = ("twilio-number", "twilio-trunk", "origination", "livekit-inbound", "dispatch-rule")

    async def find(self, world: World) -> Found:
        """See Resource."""
        return await world.found("twilio-number")

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        return {"trunk_sid": await world.id_of("twilio-trunk")}

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource."""
        number = await world.one("twilio-number")
        if number is None:
            raise Waiting("twilio-number")
        return await self.update(world, number, fields)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource."""
        made = await world.twilio.write(
            lambda c: c.incoming_phone_numbers(thing.id).update(trunk_sid=fields["trunk_sid"]),
            "the number was put on the trunk",
        )
        return number_thing(made)

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        trunk = thing.fields["trunk_sid"]
        await world.twilio.write(
            lambda c: c.trunking.v1.trunks(trunk).phone_numbers(thing.id).delete(),
            "the number was taken off the trunk",
        )

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """See Resource: a number that is on our trunk."""
        trunk = await world.one("twilio-trunk")
        ours = (await world.found("twilio-number")).ours
        return tuple(one for one in ours if trunk is not None and one.fields["trunk_sid"] == trunk.id)

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        if action == "delete":
            return Marks(risk="callers hear that the number cannot be reached")
        before = None if thing is None else handler_of(thing)
        return Marks(
            risk=f"live: from here on callers meet the agent{f', no longer {before}' if before else ''}"
        )


def number_thing(number: Any) -> Thing:
    """A number as the plan compares it."""
    has = number.capabilities or {}
    fields = {
        "phone_number": number.phone_number,
        "friendly_name": number.friendly_name,
        "voice": bool(has.get("voice")),
        "sms": bool(has.get("sms")),
        "trunk_sid": number.trunk_sid or None,
        "voice_application_sid": number.voice_application_sid or None,
        "voice_url": number.voice_url or None,
    }
    return Thing(number.sid, fields, number)


def handler_of(thing: Thing) -> str | None:
    """Who has the number's calls now."""
    fields = thing.fields
    if fields["trunk_sid"]:
        return f"the trunk {fields['trunk_sid']}"
    if fields["voice_application_sid"]:
        return f"the application {fields['voice_application_sid']}"
    return f"the address {fields['voice_url']}" if fields["voice_url"] else None


def _refuse_two_numbers(world: World) -> None:
    wanted, buying = world.wanted_number, world.options.number
    if wanted and buying and wanted != buying and "TWILIO_PHONE_NUMBER" not in world.written:
        raise CallisiError(
            Problem(
                "two numbers are wanted for one agent",
                code="two-numbers",
                got=f"TWILIO_PHONE_NUMBER={wanted} and --buy {buying}",
                hint="to change the number, empty TWILIO_PHONE_NUMBER first",
            )
        )


async def _first(world: World) -> Offer:
    options = world.options
    wants_sms = world.spec.fallback is not None and any(one.sms for one in world.spec.fallback.channels)
    found = await offers(world.twilio, options.country, options.number_type, sms=wants_sms, limit=1)
    if not found:
        raise Blocked(
            f"Twilio has no {options.number_type} number in {options.country} now that fits",
            who="whoever runs the line",
            where="callisi numbers search --country ... --type ...; or console.twilio.com, Phone Numbers, Buy",
            how_long="minutes with another type; days when Twilio has to find one",
            then=f"{world.again} --apply --buy NUMBER",
        )
    return found[0]


async def _papers(world: World, number: str) -> dict[str, str]:
    """Address and bundle, as set or as approved already: sent along where there are any."""
    settings, country = world.settings, world.options.country
    papers = {
        name: value
        for name, value in (
            ("address_sid", settings.twilio_address_sid),
            ("bundle_sid", settings.twilio_bundle_sid),
        )
        if value
    }
    if "address_sid" not in papers:
        held = await world.twilio.read(
            lambda c: c.addresses.list(iso_country=country, limit=1), "the addresses"
        )
        if held:
            papers["address_sid"] = held[0].sid
    if "bundle_sid" not in papers:
        bundles = await world.twilio.read(
            lambda c: c.numbers.v2.regulatory_compliance.bundles.list(
                iso_country=country,
                number_type=world.options.number_type,
                status="twilio-approved",
                limit=1,
            ),
            "the regulatory bundles",
        )
        if bundles:
            papers["bundle_sid"] = bundles[0].sid
    return papers


async def _must_be_bought(world: World) -> Blocked:
    options, wanted = world.options, world.wanted_number
    what = f"{wanted} is not a number of this account" if wanted else "there is no number for this agent yet"
    price = await rent(world, options.country, options.number_type)
    chosen = wanted or "NUMBER"
    return Blocked(
        f"{what}, and buying one spends money: {price}",
        who="whoever pays for the telephone",
        where=f"callisi numbers search --country {options.country} --type {options.number_type} shows what there is",
        how_long="a minute; days where the country asks for a regulatory bundle first",
        then=f"{world.again} --apply --buy {chosen}"
        + ("; or set TWILIO_PHONE_NUMBER to a number that you have" if not wanted else ""),
    )


def _takes_no_calls(world: World, thing: Thing) -> Blocked:
    return Blocked(
        f"{thing.fields['phone_number']} takes no calls: it has no Voice",
        who="whoever pays for the telephone",
        where="callisi numbers search shows numbers that do",
        how_long="a minute; days where the country asks for a regulatory bundle first",
        then=f"{world.again} --apply --buy NUMBER, with TWILIO_PHONE_NUMBER empty",
    )


def _lacks_papers(world: World, error: CallisiError) -> Exception:
    """What only people can hand in; any other error as it is."""
    codes = {problem.code for problem in error.problems}
    then = f"{world.again} --apply --buy, once more"
    if "twilio-21631" in codes:
        return Blocked(
            "the number asks for an address, and the account has none in its country",
            who="whoever can prove the address",
            where="console.twilio.com, Phone Numbers, Addresses; then TWILIO_ADDRESS_SID, if there are several",
            how_long="minutes",
            then=then,
        )
    if "twilio-21649" in codes:
        return Blocked(
            "the number asks for a regulatory bundle, and none is approved",
            who="the business itself: a proof of its register entry, and of its address",
            where="console.twilio.com, Phone Numbers, Regulatory Compliance, Bundles",
            how_long="an hour of work, then days until Twilio has checked it by hand",
            then=then,
        )
    return error
