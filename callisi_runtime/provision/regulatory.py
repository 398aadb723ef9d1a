"""What a country asks of whoever wants a number: papers, which a person hands in and a person checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from callisi_runtime.provision.gates import Gate
from callisi_runtime.provision.resource import Blocked, Found, Thing

if TYPE_CHECKING:
    from callisi_runtime.provision.resource import Fields
    from callisi_runtime.provision.world import World

CONSOLE: Final = "console.twilio.com, Phone Numbers, Regulatory Compliance, Bundles"
APPROVED: Final = ("twilio-approved", "provisionally-approved")
UNDERWAY: Final = ("pending-review", "in-review")


class RegulatoryBundle(Gate):
    """An approved bundle for the kind of number that is to be bought. Never made and never deleted by us."""

    key: ClassVar = "twilio-regulatory-bundle"
    title: ClassVar = "Twilio: papers for the number"
    needs: ClassVar = ("twilio-account",)

    async def find(self, world: World) -> Found:
        """The best bundle of the account; a stand-in where none is needed, or none is there."""
        if await world.one("twilio-number") is not None:
            return Found((Thing("number", {"status": APPROVED[0]}),))
        country, kind = world.options.country, world.options.number_type
        regulations = await world.twilio.read(
            lambda client: client.numbers.v2.regulatory_compliance.regulations.list(
                iso_country=country, number_type=kind, include_constraints=True
            ),
            "what the country asks for",
        )
        if not regulations:
            return Found((Thing("country", {"status": APPROVED[0]}),))
        bundles = await world.twilio.read(
            lambda client: client.numbers.v2.regulatory_compliance.bundles.list(
                iso_country=country, number_type=kind
            ),
            "its regulatory bundles",
        )
        chosen = world.settings.twilio_bundle_sid
        best = sorted((one for one in bundles if chosen in (None, one.sid)), key=_nearness)
        if not best:
            return Found((Thing("none", {"status": "missing"}, raw=regulations),))
        return Found((Thing(best[0].sid, {"status": str(best[0].status)}, raw=regulations),))

    async def remark(self, world: World, thing: Thing | None) -> str | None:
        """See Resource."""
        reasons = {"number": "none needed: the number is there", "country": "the country asks for none"}
        return None if thing is None else reasons.get(thing.id)

    async def desired(self, world: World, thing: Thing | None) -> Fields:
        """See Resource."""
        if thing is not None and thing.fields["status"] in APPROVED:
            return thing.fields
        raise blocked(world, thing)


def blocked(world: World, thing: Thing | None) -> Blocked:
    """Who must do what before such a number can be bought."""
    country, kind = world.options.country, world.options.number_type
    status = "missing" if thing is None else str(thing.fields["status"])
    then = f"{world.again} --apply --buy: it finds the bundle by itself"
    name = f"{country} {kind}"
    if thing is not None and status in UNDERWAY:
        what = f"the bundle for {name} numbers is being reviewed ({thing.id}, {status})"
        return Blocked(
            what, who="Twilio", where=CONSOLE, how_long="some days; an e-mail tells the end", then=then
        )
    papers = papers_of(() if thing is None else thing.raw)
    if status == "twilio-rejected":
        what = (
            f"the bundle for {name} numbers was rejected ({thing.id if thing else ''}); the console says why"
        )
    elif status == "draft":
        what = (
            f"the bundle for {name} numbers is a draft and was never handed in ({thing.id if thing else ''})"
        )
    else:
        what = f"no regulatory bundle for {name} numbers"
    wanted = f"; asked for: {papers}" if papers else ""
    return Blocked(
        what + wanted,
        who="whoever may sign for the business",
        where=CONSOLE,
        how_long="half an hour to hand in, then some days of review",
        then=then,
    )


def papers_of(regulations: Any) -> str:
    """What is asked for, as Twilio words it: `Name of Business (Trade license, or ...), Address (...)`."""
    chosen = [one for one in regulations if str(one.end_user_type) == "business"] or list(regulations)
    if not chosen:
        return ""
    said = []
    for group in (chosen[0].requirements or {}).get("supporting_document") or ():
        for one in group:
            accepted = " or ".join(str(paper["name"]) for paper in one.get("accepted_documents") or ())
            said.append(f"{one['name']} ({accepted})" if accepted else str(one["name"]))
    return ", ".join(said)


def _nearness(bundle: Any) -> int:
    order = (*APPROVED, *UNDERWAY, "draft", "twilio-rejected")
    status = str(bundle.status)
    return order.index(status) if status in order else len(order)
