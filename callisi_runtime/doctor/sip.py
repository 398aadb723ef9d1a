"""Checks of the address that the carrier sends calls to: is its name known, does a SIP service answer there?"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from callisi_runtime.doctor.result import Result, ok, problem, skipped, warning

if TYPE_CHECKING:
    from callisi_runtime.doctor.patient import Patient

PORTS: Final = {"tcp": 5060, "udp": 5060, "tls": 5061}
NOT_SET: Final = "LIVEKIT_SIP_URI is not set"


@dataclass(frozen=True, slots=True)
class SipAddress:
    """`sip:user@host:port;transport=tcp`, taken apart."""

    host: str
    port: int
    transport: str
    user: str | None = None

    @classmethod
    def parse(cls, text: str) -> SipAddress | None:
        """The parts of a SIP URI, or of a host alone; None when it is neither."""
        found = re.fullmatch(
            r"(?:sips?:)?(?:(?P<user>[^@;]+)@)?(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\])(?::(?P<port>\d{1,5}))?(?P<rest>;.*)?",
            text.strip(),
        )
        if found is None:
            return None
        named = re.search(r";transport=(tcp|udp|tls)\b", found["rest"] or "", re.IGNORECASE)
        # A host without a scheme is what LiveKit's console shows, and TCP is what our trunks use.
        transport = named[1].lower() if named else "tls" if text.startswith("sips:") else "tcp"
        port = int(found["port"] or PORTS[transport])
        return cls(found["host"].strip("[]").lower(), port, transport, found["user"])


async def sip_address(patient: Patient) -> list[Result]:
    """Whether a SIP service answers where the carrier is to send calls."""
    text = patient.settings.livekit_sip_uri
    if not text:
        if not patient.complete_livekit:
            return [skipped(NOT_SET)]
        return [warning(NOT_SET, "copy it from LiveKit's console, Settings, Project (docs/number.md)")]
    address = SipAddress.parse(text)
    if address is None:
        mend = "write it like sip:your-project.sip.livekit.cloud;transport=tcp"
        return [problem("LIVEKIT_SIP_URI is not a SIP address", mend)]
    if wrong := not_a_host(address):
        return [wrong]
    try:
        await asyncio.wait_for(
            asyncio.get_running_loop().getaddrinfo(address.host, address.port), patient.patience
        )
    except socket.gaierror as error:
        return [unknown_name(address.host, error)]
    except TimeoutError:
        return [skipped(f"the name of {address.host} was not looked up within {patient.patience:g} s")]
    return [await answering(address, patient.patience)]


def not_a_host(address: SipAddress) -> Result | None:
    """The guide's usual mistakes: an id where a host belongs, a user part that no trunk matches."""
    if re.match(r"(sdr_|st_|p_)", address.host):
        what = f"{address.host} is an id, not a host"
        return problem(what, "use the project's SIP address: LiveKit's console, Settings, Project")
    if address.user:
        what = "LIVEKIT_SIP_URI has a part in front of the @: LiveKit looks for a trunk of that number"
        return problem(what, "leave it out: sip:HOST;transport=tcp")
    return None


def unknown_name(host: str, error: socket.gaierror) -> Result:
    """A name that does not exist is a mistake; a machine that cannot look it up says nothing about it."""
    if error.errno == socket.EAI_AGAIN:
        return skipped(f"this machine cannot look up names now, so {host} was not tried")
    return problem(f"there is no machine called {host}", "check LIVEKIT_SIP_URI")


async def answering(address: SipAddress, seconds: float) -> Result:
    """Whether the SIP service says anything to OPTIONS, which it is asked for politely and changes nothing."""
    where = f"{address.host}:{address.port}"
    if address.transport == "udp":
        return skipped(f"{where} is asked over TCP and TLS only")
    try:
        line = await asyncio.wait_for(first_line(address), seconds)
    except ConnectionError:
        return problem(f"nothing listens at {where}", "is livekit-sip running, and its port open?")
    except (OSError, TimeoutError):
        what = f"no SIP service answers at {where} within {seconds:g} s"
        return problem(what, "is livekit-sip running, and its port open?")
    if not line.startswith("SIP/2.0 "):
        return problem(f"what answers at {where} does not speak SIP", "check LIVEKIT_SIP_URI")
    return ok(f"a SIP service answers at {where}")


async def first_line(address: SipAddress) -> str:
    """The first line of the answer to OPTIONS. Raises OSError."""
    context = ssl.create_default_context() if address.transport == "tls" else None
    reader, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    try:
        ours = writer.get_extra_info("sockname")
        writer.write(options(address, f"{ours[0]}:{ours[1]}").encode())
        await writer.drain()
        return (await reader.readline()).decode("ascii", "replace").strip()
    finally:
        writer.close()


def options(address: SipAddress, ours: str) -> str:
    """The request (RFC 3261, section 11)."""
    via = "TLS" if address.transport == "tls" else "TCP"
    token = secrets.token_hex(8)
    return "\r\n".join(
        (
            f"OPTIONS sip:{address.host} SIP/2.0",
            f"Via: SIP/2.0/{via} {ours};branch=z9hG4bK{token}",
            "Max-Forwards: 70",
            f"From: <sip:doctor@{ours}>;tag={token}",
            f"To: <sip:{address.host}>",
            f"Call-ID: {token}",
            "CSeq: 1 OPTIONS",
            f"Contact: <sip:doctor@{ours};transport={address.transport}>",
            "Content-Length: 0",
            "",
            "",
        )
    )
