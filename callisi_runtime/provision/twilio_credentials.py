"""Twilio's SIP credential list and the user in it: with them, and only with them, people can be dialled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from callisi_runtime.provision.resource import (
    LATER,
    Action,
    Fields,
    Found,
    Marks,
    Resource,
    Secret,
    Thing,
)
from callisi_runtime.provision.secrets import new_password, new_username, username_prefix, write_settings

if TYPE_CHECKING:
    from callisi_runtime.provision.world import World

NO_TRANSFER = "this agent puts nobody through"


class CredentialList(Resource):
    """The list, known by its name: our tag."""

    key: ClassVar = "sip-list"
    title: ClassVar = "Twilio: SIP credential list"
    needs: ClassVar = ("twilio-account",)

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        return NO_TRANSFER if world.spec.transfer is None else None

    async def find(self, world: World) -> Found:
        """See Resource."""
        lists = await world.twilio.read(lambda c: c.sip.credential_lists.list(), "the SIP credential lists")
        ours = [one for one in lists if one.friendly_name == world.tag or world.is_adopted(one.sid)]
        return Found(tuple(Thing(one.sid, {"friendly_name": one.friendly_name}) for one in ours))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        return {"friendly_name": world.tag}

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource."""
        made = await world.twilio.write(
            lambda c: c.sip.credential_lists.create(**fields), "the SIP credential list was created"
        )
        return Thing(made.sid, dict(fields))

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource."""
        await world.twilio.write(
            lambda c: c.sip.credential_lists(thing.id).update(**fields), "the SIP credential list was renamed"
        )
        return Thing(thing.id, dict(fields))

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        await world.twilio.write(
            lambda c: c.sip.credential_lists(thing.id).delete(), "the SIP credential list was deleted"
        )


class SipUser(Resource):
    """The user of the list. Twilio never shows a password again, so a lost one means a second user."""

    key: ClassVar = "sip-user"
    title: ClassVar = "Twilio: SIP user"
    needs: ClassVar = ("sip-list",)

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        return NO_TRANSFER if world.spec.transfer is None else None

    async def find(self, world: World) -> Found:
        """See Resource."""
        name = current_user(world)
        named = [one for one in await users(world) if one.fields["username"] == name]
        password = await password_in_use(world) if named else None
        return Found(tuple(Thing(one.id, {"username": name, "password": password}) for one in named))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        fields: dict[str, Any] = {"username": current_user(world) or LATER}
        if thing is None or thing.fields["password"] is not None:
            fields["password"] = Secret(world.setting("sip_trunk_password") or LATER)
        return fields

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource. The password is on the disk before Twilio hears of it: no crash can lose it."""
        if current_user(world) is None:
            write_new_user(world)
        username = current_user(world) or ""
        password = world.setting("sip_trunk_password") or ""
        listed = await world.id_of("sip-list")
        made = await world.twilio.write(
            lambda c: c.sip.credential_lists(listed).credentials.create(username=username, password=password),
            "the SIP user was created",
        )
        return Thing(made.sid, {"username": username, "password": None})

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource: the password that was changed in the settings."""
        password, listed = world.setting("sip_trunk_password") or "", await world.id_of("sip-list")
        await world.twilio.write(
            lambda c: c.sip.credential_lists(listed).credentials(thing.id).update(password=password),
            "the SIP user's password was changed",
        )
        return Thing(thing.id, {**thing.fields, "password": Secret(password)})

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        await delete_user(world, thing)

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        if action == "create" and current_user(world) is None:
            return Marks(risk=f"a new password is written into {world.options.env_file}, and shown nowhere")
        return Marks()


class FormerSipUsers(Resource):
    """Users of ours that were replaced; they go when LiveKit dials with the new one."""

    key: ClassVar = "sip-user-former"
    title: ClassVar = "Twilio: former SIP users"
    needs: ClassVar = ("sip-user", "livekit-outbound")
    several: ClassVar = True

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        transfer = world.spec.transfer
        if transfer is not None and transfer.trunk.startswith("ST_") and not world.is_adopted(transfer.trunk):
            return "a trunk of your own may still dial with them"
        return NO_TRANSFER if transfer is None else None

    async def find(self, world: World) -> Found:
        """See Resource."""
        prefix, name = username_prefix(world.spec.name), current_user(world)
        former = [one for one in await users(world) if str(one.fields["username"]).startswith(prefix)]
        return Found(tuple(one for one in former if one.fields["username"] != name))

    async def desired(self, world: World, thing: Thing | None) -> None:
        """See Resource: none."""

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource: never asked for."""
        raise NotImplementedError

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource: never asked for."""
        raise NotImplementedError

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        await delete_user(world, thing)

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        return Marks(risk="whatever else still dials with it is refused from then on")


class Termination(Resource):
    """The credential list on the trunk: without it the trunk takes no call to people at all."""

    key: ClassVar = "termination"
    title: ClassVar = "Twilio: trunk, termination"
    needs: ClassVar = ("sip-list", "twilio-trunk")

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        return NO_TRANSFER if world.spec.transfer is None else None

    async def find(self, world: World) -> Found:
        """See Resource."""
        trunk, listed = await world.one("twilio-trunk"), await world.one("sip-list")
        if trunk is None or listed is None:
            return Found()
        lists = await world.twilio.read(
            lambda c: c.trunking.v1.trunks(trunk.id).credentials_lists.list(), "the trunk's credential lists"
        )
        ours = [one for one in lists if one.sid == listed.id]
        return Found(tuple(Thing(one.sid, {"credential_list": one.sid}) for one in ours))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        await world.id_of("twilio-trunk")
        return {"credential_list": await world.id_of("sip-list")}

    async def create(self, world: World, fields: Fields) -> Thing:
        """See Resource."""
        trunk, listed = await world.id_of("twilio-trunk"), await world.id_of("sip-list")
        made = await world.twilio.write(
            lambda c: c.trunking.v1.trunks(trunk).credentials_lists.create(credential_list_sid=listed),
            "the credential list was attached to the trunk",
        )
        return Thing(made.sid, {"credential_list": listed})

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """See Resource: it is attached or it is not."""
        return thing

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        trunk = await world.id_of("twilio-trunk")
        await world.twilio.write(
            lambda c: c.trunking.v1.trunks(trunk).credentials_lists(thing.id).delete(),
            "the credential list was taken off the trunk",
        )


def current_user(world: World) -> str | None:
    """The user that LiveKit dials with; None when a new one is to be made."""
    rotates = world.options.rotate and "SIP_TRUNK_USERNAME" not in world.written
    if rotates or not world.setting("sip_trunk_password"):
        return None
    return world.setting("sip_trunk_username")


async def password_in_use(world: World) -> Secret | None:
    """What LiveKit dials with as the current user: the only copy that can be read. None when nobody knows."""
    if not world.livekit.ready or "livekit-outbound" not in world.resources:
        return None
    trunk = await world.one("livekit-outbound")
    if trunk is None or trunk.fields["auth_username"] != current_user(world):
        return None
    kept: Secret = trunk.fields["auth_password"]
    return kept if kept.value else None


def write_new_user(world: World) -> None:
    """Make a user and a password, and write both down before anybody else knows them."""
    values = {"SIP_TRUNK_USERNAME": new_username(world.spec.name), "SIP_TRUNK_PASSWORD": new_password()}
    write_settings(world.options.env_file, values)
    world.written |= values


async def users(world: World) -> list[Thing]:
    """Everybody in our list."""
    listed = await world.one("sip-list")
    if listed is None:
        return []
    found = await world.twilio.read(
        lambda c: c.sip.credential_lists(listed.id).credentials.list(), "the SIP users"
    )
    return [Thing(one.sid, {"username": one.username}) for one in found]


async def delete_user(world: World, thing: Thing) -> None:
    """Take a user off the list."""
    listed = await world.id_of("sip-list")
    await world.twilio.write(
        lambda c: c.sip.credential_lists(listed).credentials(thing.id).delete(), "a SIP user was deleted"
    )
