"""What must be there before anything can be made: accounts, which only people can open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, NoReturn

from callisi_runtime.errors import CallisiError, Problem
from callisi_runtime.provision.resource import Blocked, Fields, Found, Resource, Thing

if TYPE_CHECKING:
    from callisi_runtime.provision.world import World

SIP_HOST: Final = re.compile(
    r"(?:sips?:)?(?P<host>[A-Za-z0-9.-]+\.[A-Za-z0-9-]+|\[[0-9a-fA-F:]+\])(?P<port>:\d{1,5})?"
)


class Gate(Resource):
    """It is there or it is not; a program can neither make nor change it."""

    async def create(self, world: World, fields: Fields) -> NoReturn:
        """See Resource: never asked for."""
        raise NotImplementedError

    async def update(self, world: World, thing: Thing, fields: Fields) -> NoReturn:
        """See Resource: never asked for."""
        raise NotImplementedError

    async def delete(self, world: World, thing: Thing) -> NoReturn:
        """See Resource: never asked for."""
        raise NotImplementedError

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """See Resource: nothing."""
        return ()


class TwilioAccount(Gate):
    """The account: opened, paid for, and not suspended."""

    key: ClassVar = "twilio-account"
    title: ClassVar = "Twilio: account"

    async def find(self, world: World) -> Found:
        """See Resource."""
        if not world.twilio.ready:
            return Found()
        sid = world.settings.twilio_account_sid or ""
        account = await world.twilio.read(lambda c: c.api.v2010.accounts(sid).fetch(), "the account")
        return Found((Thing(sid, {"status": account.status, "type": account.type}),))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        then = world.again
        if thing is None:
            raise Blocked(
                "there is no Twilio account: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set",
                who="whoever pays for the telephone",
                where="twilio.com, Sign up; then console.twilio.com, Account Info",
                how_long="five minutes, with a telephone for the code and a credit card",
                then=f"write both into {world.options.env_file}, then {then}",
            )
        if thing.fields["status"] != "active":
            raise Blocked(
                f"the Twilio account is {thing.fields['status']}",
                who="its owner",
                where="console.twilio.com says why; help.twilio.com, if it does not",
                how_long="minutes when a payment is missing, otherwise days",
                then=then,
            )
        return {"status": "active"}

    async def remark(self, world: World, thing: Thing | None) -> str | None:
        """See Resource."""
        if thing is not None and thing.fields["type"] == "Trial":
            return "a trial: verified numbers only, and four calls at a time; console.twilio.com, Upgrade"
        return None


class LiveKitProject(Gate):
    """The project in LiveKit's cloud, or a server of one's own, and where its SIP service is reached."""

    key: ClassVar = "livekit-project"
    title: ClassVar = "LiveKit: project"

    async def find(self, world: World) -> Found:
        """See Resource."""
        return Found((Thing(world.settings.livekit_url or "", {}),)) if world.livekit.ready else Found()

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        then = world.again
        if thing is None:
            raise Blocked(
                "there is no LiveKit: LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not all set",
                who="whoever runs the line",
                where="cloud.livekit.io, a new project, Settings, Keys; or a server of your own (deploy/)",
                how_long="five minutes",
                then=f"write all three into {world.options.env_file}, then {then}",
            )
        if not world.settings.livekit_sip_uri:
            raise Blocked(
                "LIVEKIT_SIP_URI is not set: where LiveKit's SIP service is reached follows from nothing else",
                who="whoever runs the line",
                where="cloud.livekit.io, Settings, Project: SIP URI; on a server of your own its public name and :5060",
                how_long="one minute",
                then=f"write it into {world.options.env_file}, then {then}",
            )
        sip_host(world.settings.livekit_sip_uri)
        return {}


def sip_host(uri: str) -> str:
    """Host and port of LIVEKIT_SIP_URI.

    Raises:
        CallisiError: It is no address, or has a user part, or is the id of a trunk or rule.
    """
    match = SIP_HOST.fullmatch(uri.strip().partition(";")[0])
    if match is None:
        raise CallisiError(
            Problem(
                "LIVEKIT_SIP_URI is not where a SIP service is reached",
                code="bad-variable",
                got=f"'{uri}'",
                allowed="sip:YOUR-PROJECT.sip.livekit.cloud, or sip:HOST:5060; nothing in front of an @",
                hint="it is the project's, not that of a dispatch rule (SDR_...) or a trunk (ST_...)",
            )
        )
    return match["host"] + (match["port"] or "")
