"""Checks of Twilio's trunk: which one it is, where its calls go, who may send it calls, and its emergency route."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from callisi_runtime.doctor.line import dialling_trunk, provision
from callisi_runtime.doctor.livekit import the_held
from callisi_runtime.doctor.number import our_number
from callisi_runtime.doctor.result import Ended, Result, ok, problem, skipped, warning
from callisi_runtime.doctor.sip import SipAddress, not_a_host
from callisi_runtime.doctor.twilio import ask, the_number
from callisi_runtime.provision.twiml import BRIEFLY

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient

MANY = 500
"""More trunks than an account has."""


@dataclass(frozen=True, slots=True)
class Trunks:
    """Twilio's trunks, as far as they concern us."""

    ours: Any
    """The one that our number belongs to; else the only one of the declared name."""
    namesakes: tuple[Any, ...]
    """All of the declared name."""
    attached: bool
    """Whether our number belongs to `ours`."""


async def trunk(patient: Patient) -> list[Result]:
    """Whether there is one trunk of ours, and our number belongs to it."""
    found = await the_trunks(patient)
    name, results = found.ours.friendly_name, []
    if len(found.namesakes) > 1:
        sids = ", ".join(one.sid for one in found.namesakes)
        results.append(
            warning(
                f"{len(found.namesakes)} trunks are called `{name}`: {sids}", "delete all but the one in use"
            )
        )
    if not found.attached:
        what = f"TWILIO_PHONE_NUMBER does not belong to `{name}`"
        results.append(problem(what, provision(patient)))
    elif found.namesakes and found.ours.sid not in {one.sid for one in found.namesakes}:
        what = f"TWILIO_PHONE_NUMBER belongs to `{name}`, not to the trunk that SIP_TRUNK_NAME names"
        results.append(problem(what, f"{provision(patient)}, or set SIP_TRUNK_NAME"))
    return results or [ok(f"TWILIO_PHONE_NUMBER belongs to `{name}`")]


async def origination(patient: Patient) -> list[Result]:
    """Whether the trunk sends calls to our LiveKit, and to nothing else."""
    ours = (await the_trunks(patient)).ours
    urls = await ask(
        patient, lambda client: client.trunking.v1.trunks(ours.sid).origination_urls.list(limit=MANY)
    )
    enabled = [one for one in urls if one.enabled]
    if not enabled:
        what = "is off" if urls else "is not there"
        return [problem(f"the address that calls go to {what} (32010)", provision(patient))]
    found = [wrong for one in enabled if (wrong := misled(patient, str(one.sip_url), bool(ours.secure)))]
    return found or [ok("calls go to " + ", ".join(str(one.sip_url) for one in enabled))]


def misled(patient: Patient, url: str, secure: bool) -> Result | None:
    """What is wrong with one address that calls go to; None when nothing."""
    address, ours = SipAddress.parse(url), SipAddress.parse(patient.settings.livekit_sip_uri or "")
    mend = provision(patient)
    if address is None:
        return problem(f"calls go to {url}, which is no SIP address", mend)
    if (wrong := not_a_host(address)) is not None:
        return problem(f"calls go to {url}: {wrong.what.replace('LIVEKIT_SIP_URI', 'it')}", mend)
    if ours is not None and (address.host, address.port) != (ours.host, ours.port):
        return problem(f"calls go to {address.host}, but LIVEKIT_SIP_URI says {ours.host}", mend)
    if secure and address.transport != "tls":
        return problem(f"the trunk wants encryption, but calls go to {url} without (32209)", mend)
    return None


async def termination(patient: Patient) -> list[Result]:
    """Whether the trunk takes our calls: a domain, a user that it knows, and LiveKit sends them there."""
    spec = patient.known_spec()
    if spec.transfer is None:
        return [skipped("this agent puts nobody through")]
    ours, mend = (await the_trunks(patient)).ours, provision(patient)
    if not ours.domain_name:
        return [problem("the trunk has no termination domain: nobody can be dialled", mend)]
    if not ours.auth_type:
        what = "the trunk has neither a credential list nor an address list: it takes no call from anybody"
        return [problem(what, mend)]
    found: list[Result] = []
    if spec.transfer.mode == "refer" and str(ours.transfer_mode) != "enable-all":
        found.append(problem("the trunk forbids `mode: refer` to telephones (32218)", mend))
    found += await sent_by(patient, ours, spec.transfer.trunk)
    return found or [ok(f"{ours.domain_name} takes calls, by {ours.auth_type.replace('_', ' ').lower()}")]


async def sent_by(patient: Patient, ours: Any, name: str) -> list[Result]:
    """Whether LiveKit's outbound trunk sends calls to this trunk, as a user whom it knows."""
    try:
        sender = dialling_trunk(patient, name, await the_held(patient))
    except Ended:
        return []  # `people are dialled` says it
    found, mend = [], provision(patient)
    if not same_domain(sender.address, ours.domain_name):
        what = f"LiveKit sends calls to {sender.address}, but the trunk is {ours.domain_name}"
        found.append(problem(what, mend))
    if sender.auth_username and "CREDENTIAL_LIST" in ours.auth_type:
        users = await users_of(patient, ours.sid)
        if sender.auth_username not in users:
            what = "LiveKit calls as a user whom the trunk's credential lists do not have (32202)"
            found.append(problem(what, mend))
    return found


async def users_of(patient: Patient, trunk_sid: str) -> set[str]:
    """The users who may call over a trunk."""
    lists = await ask(
        patient, lambda client: client.trunking.v1.trunks(trunk_sid).credentials_lists.list(limit=MANY)
    )
    held = await asyncio.gather(*(users_in(patient, one.sid) for one in lists))
    return {user for users in held for user in users}


async def users_in(patient: Patient, list_sid: str) -> list[str]:
    """The users of one credential list."""
    found = await ask(
        patient, lambda client: client.sip.credential_lists(list_sid).credentials.list(limit=MANY)
    )
    return [str(one.username) for one in found]


def same_domain(address: str, domain: str) -> bool:
    """Whether LiveKit's address is the trunk's domain, or the same by way of an edge: `x.pstn.frankfurt.twilio.com`."""
    host = address.partition(":")[0].lower()
    name, _, edge = host.partition(".pstn.")
    return host == domain.lower() or (
        edge.endswith(".twilio.com") and f"{name}.pstn.twilio.com" == domain.lower()
    )


async def emergency_route(patient: Patient) -> list[Result]:
    """Whether Twilio rings somebody by itself when LiveKit is down."""
    ours = (await the_trunks(patient)).ours
    if not ours.disaster_recovery_url:
        what = "the trunk has no disaster recovery URL: when LiveKit is down, callers hear an error"
        mend = f"callisi provision {patient.agent or 'AGENT'} --twiml prints it; TWILIO_DISASTER_RECOVERY_URL, --apply"
        return [warning(what, mend)]
    return [ok(BRIEFLY)]


async def recording(patient: Patient) -> list[Result]:
    """Whether nothing is recorded: in Germany recording without consent is a crime (§ 201 StGB)."""
    ours = (await the_trunks(patient)).ours
    found = await ask(patient, lambda client: client.trunking.v1.trunks(ours.sid).recordings().fetch())
    if str(found.mode) != "do-not-record":
        what = f"the trunk records calls ({found.mode}), and nobody asks the caller"
        return [problem(what, provision(patient))]
    return [ok("the trunk records nothing")]


async def the_trunks(patient: Patient) -> Trunks:
    """Our trunk: the one that our number belongs to, else the only one of the declared name.

    Raises:
        Ended: Twilio was not asked, or there is none.
    """
    return await patient.once("twilio trunks", lambda: look_for_trunks(patient))


async def look_for_trunks(patient: Patient) -> Trunks:
    """See `the_trunks`."""
    number, held = await asyncio.gather(
        the_number(patient, our_number(patient)),
        ask(patient, lambda client: client.trunking.v1.trunks.list(limit=MANY)),
    )
    wanted = patient.spec.transfer.trunk if patient.spec and patient.spec.transfer else None
    named = patient.settings.sip_trunk_name or wanted
    namesakes = tuple(one for one in held if named and one.friendly_name == named)
    ours = next((one for one in held if one.sid == number.trunk_sid), None)
    if ours is None and len(namesakes) != 1:
        what = (
            f"there is no trunk `{named}`"
            if not namesakes
            else f"{len(namesakes)} trunks are called `{named}`"
        )
        raise Ended(problem(f"{what}, and TWILIO_PHONE_NUMBER belongs to none", provision(patient)))
    return Trunks(ours or namesakes[0], namesakes, ours is not None)
