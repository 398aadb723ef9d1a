"""The WhatsApp template: made from the file's text, handed in to Meta, and put to use when it is approved."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.plan.content import ContentTemplate, content_template
from callisi_runtime.plan.facts import sample_call, variables
from callisi_runtime.provision.form import Form
from callisi_runtime.provision.resource import Blocked, Found, Marks, Resource, Thing
from callisi_runtime.provision.secrets import write_settings
from callisi_runtime.provision.whatsapp_sender import WhatsAppSender, whatsapp_channels

if TYPE_CHECKING:
    from callisi_runtime.provision.resource import Action, Fields
    from callisi_runtime.provision.world import World

SETTING: Final = "TWILIO_WHATSAPP_CONTENT_SID"
TEMPLATES: Final = "console.twilio.com, Messaging, Content Template Builder"
CATEGORY: Final = "UTILITY"
UNSUBMITTED: Final = "unsubmitted"
SUBMITTED: Final = "submitted"
UNDERWAY: Final = ("received", "pending")
APPROVED: Final = "approved"


class WhatsAppTemplate(Resource):
    """The template of the file's `template`. It is known by our tag, its text and its language.

    An approved text cannot be changed: another text is another template, and the one before it stays until `--destroy`,
    for messages that are still on their way.
    """

    key: ClassVar = "whatsapp-template"
    title: ClassVar = "WhatsApp: template"
    needs: ClassVar = ("twilio-account", WhatsAppSender.key)

    def skipped(self, world: World) -> str | None:
        """See Resource."""
        if not whatsapp_channels(world):
            return "this agent sends no WhatsApp"
        if text_of(world) is None and given_sid(world) is None:
            return "the file declares no template"
        return None

    async def find(self, world: World) -> Found:
        """See Resource."""
        listed = await self._listed(world)
        given, text = given_sid(world), text_of(world)
        if given is not None:
            return Found(tuple(_thing(one) for one in listed if one.sid == given))
        wanted = wanted_of(world, text or "")
        language = language_of(world)
        ours = [
            one
            for one in listed
            if _is_tagged(one, world) and body_of(one) == wanted.body and one.language == language
        ]
        return Found(tuple(_thing(one, world.setting(SETTING.lower())) for one in ours))

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        given, text = given_sid(world), text_of(world)
        if given is not None and thing is None:
            raise _unknown(world, given)
        if thing is None:
            content = wanted_of(world, text or "")
            return {
                "text": content.body,
                "language": language_of(world),
                "category": CATEGORY,
                "approval": SUBMITTED,
            }
        status = str(thing.fields["approval"])
        if status == UNSUBMITTED:
            if given is not None:
                raise _never_handed_in(world, thing)
            return {"approval": SUBMITTED}
        if status in UNDERWAY:
            raise _reviewed(world, thing, status)
        if status == "paused":
            raise _paused(world, thing)
        if status != APPROVED:
            raise _refused(world, thing, status)
        return {} if given is not None else {SETTING: thing.id}

    async def create(self, world: World, fields: Fields) -> Thing:
        """Makes it and hands it in; a run that is cut off in between is continued by `update`."""
        text = text_of(world) or ""
        content = wanted_of(world, text)
        names = variables(world.spec, sample_call())
        form = Form(
            {
                "friendly_name": friendly_name(world, content),
                "language": fields["language"],
                "variables": content.filled(names),
                "types": {"twilio/text": {"body": content.body}},
            }
        )
        made = await world.twilio.write(
            lambda client: client.content.v1.contents.create(form), "the WhatsApp template was created"
        )
        return await self._handed_in(world, str(made.sid), content)

    async def update(self, world: World, thing: Thing, fields: Fields) -> Thing:
        """Hands in what was made and not handed in, or puts to use what is approved."""
        if fields.get("approval") == SUBMITTED:
            return await self._handed_in(world, thing.id, wanted_of(world, text_of(world) or ""))
        write_settings(world.options.env_file, {SETTING: thing.id})
        world.written[SETTING] = thing.id
        return Thing(thing.id, {**thing.fields, SETTING: thing.id}, raw=thing.raw)

    async def delete(self, world: World, thing: Thing) -> None:
        """See Resource."""
        await world.twilio.write(
            lambda client: client.content.v1.contents(thing.id).delete(), "the WhatsApp template was deleted"
        )

    async def removable(self, world: World) -> tuple[Thing, ...]:
        """Every template with our tag, also those of earlier texts."""
        if self.skipped(world) is not None:
            return ()
        return tuple(_thing(one) for one in await self._listed(world) if _is_tagged(one, world))

    async def remark(self, world: World, thing: Thing | None) -> str | None:
        """See Resource."""
        category = None if thing is None else _category(thing)
        if category in (None, CATEGORY):
            return None
        return f"Meta has made it {category}, which costs more and may be held back: {CATEGORY} is what was asked for"

    async def marks(self, world: World, action: Action, thing: Thing | None) -> Marks:
        """See Resource."""
        before = world.setting(SETTING.lower())
        if action == "create" and before:
            return Marks(
                risk="the file's text is not that of the template in use: restart the worker with the new text only "
                f"when {SETTING} has changed"
            )
        return Marks()

    async def _listed(self, world: World) -> list[Any]:
        found: list[Any] = await world.twilio.read(
            lambda client: client.content.v1.content_and_approvals.list(), "its message templates"
        )
        return found

    async def _handed_in(self, world: World, sid: str, content: ContentTemplate) -> Thing:
        form = Form({"name": approval_name(world, content), "category": CATEGORY})
        answer = await world.twilio.write(
            lambda client: client.content.v1.contents(sid).approval_create.create(form),
            "the WhatsApp template was handed in",
        )
        fields = {"text": content.body, "language": language_of(world), "approval": str(answer.status)}
        return Thing(sid, fields)


def text_of(world: World) -> str | None:
    """The declared text that has no template of its own yet; `validate` sees to it that there is one at most."""
    return next(
        (one.template for one in whatsapp_channels(world) if one.template and not one.content_sid), None
    )


def given_sid(world: World) -> str | None:
    """The template that the file names by its id, where it declares no text to be approved."""
    if text_of(world) is not None:
        return None
    return next((one.content_sid for one in whatsapp_channels(world) if one.content_sid), None)


def wanted_of(world: World, text: str) -> ContentTemplate:
    """The text as it is handed in."""
    return content_template(text, variables(world.spec, sample_call()))


def language_of(world: World) -> str:
    """`de` of `de-DE`."""
    return world.spec.language.split("-")[0].lower()


def friendly_name(world: World, content: ContentTemplate) -> str:
    """Our tag, and which text it is."""
    return f"{world.tag}:{_digest(content)}"


def approval_name(world: World, content: ContentTemplate) -> str:
    """The name at Meta, where only small letters, digits and underscores are allowed."""
    slug = re.sub(r"[^a-z0-9]+", "_", world.spec.name.lower()).strip("_")
    return f"callisi_{slug}_{_digest(content)}"


def body_of(content: Any) -> str:
    """The text of a plain template, as Twilio lists it."""
    return str(((content.types or {}).get("twilio/text") or {}).get("body", ""))


def _digest(content: ContentTemplate) -> str:
    return hashlib.sha256(content.body.encode()).hexdigest()[:8]


def _is_tagged(content: Any, world: World) -> bool:
    return str(content.friendly_name or "").startswith(f"{world.tag}:")


def _thing(content: Any, in_use: str | None = None) -> Thing:
    approval = content.approval_requests or {}
    fields = {
        "text": body_of(content),
        "language": str(content.language),
        "approval": str(approval.get("status") or UNSUBMITTED),
        SETTING: in_use,
    }
    return Thing(str(content.sid), fields, raw=content)


def _category(thing: Thing) -> str | None:
    """Meta's own category of an approved template."""
    approval = getattr(thing.raw, "approval_requests", None) or {}
    return (
        str(approval["category"]) if approval.get("status") == APPROVED and approval.get("category") else None
    )


def _reviewed(world: World, thing: Thing, status: str) -> Blocked:
    return Blocked(
        f"Meta reviews the template ({thing.id}, {status})",
        who="Meta",
        where=TEMPLATES,
        how_long="minutes to 24 hours, at times 48",
        then=f"{world.again} --apply: it writes {SETTING} when the template is approved",
    )


def _refused(world: World, thing: Thing, status: str) -> Blocked:
    reason = str((thing.raw.approval_requests or {}).get("rejection_reason") or "without a reason")
    return Blocked(
        f"the template is {status} ({thing.id}): {reason}",
        who="you",
        where="the agent file: word `template` differently; another text is handed in as another template",
        how_long="minutes to write, up to 24 hours of review",
        then=f"{world.again} --apply",
    )


def _paused(world: World, thing: Thing) -> Blocked:
    return Blocked(
        f"Meta has paused the template ({thing.id}): recipients have blocked or reported it",
        who="Meta; you, if it happens again: ask who has blocked it",
        where=TEMPLATES,
        how_long="some hours",
        then=f"{world.again}; meanwhile the next channel of the file gets the messages",
    )


def _never_handed_in(world: World, thing: Thing) -> Blocked:
    return Blocked(
        f"the template {thing.id} was never handed in to Meta",
        who="you",
        where=TEMPLATES,
        how_long="minutes, then up to 24 hours of review",
        then=f"{world.again}; or declare the text as `template`, and it is handed in for you",
    )


def _unknown(world: World, sid: str) -> Blocked:
    return Blocked(
        f"the account has no template {sid}",
        who="you",
        where="the agent file: `content_sid`, or declare the text as `template`",
        how_long="a minute",
        then=world.again,
    )
