"""sipp, a telephone of other people's making that follows a scenario: it answers and presses 1, or rejects."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from .sip import PHRASES

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

KEY_ONE = Path("/usr/share/sip-tester/dtmf_2833_1.pcap")
"""The key 1 as a capture of RTP events, from the package of sipp; to replay it takes the right to raw sockets."""
DIALOG = ["[last_Via:]", "[last_From:]", "[last_To:]{tag}", "[last_Call-ID:]", "[last_CSeq:]"]
OUR_TAG = ";tag=[pid]T[call_number]"
CONTACT = "Contact: <sip:[local_ip]:[local_port];transport=[transport]>"
SESSION = [
    "v=0",
    "o=- 1 1 IN IP[local_ip_type] [local_ip]",
    "s=-",
    "c=IN IP[media_ip_type] [media_ip]",
    "t=0 0",
    "m=audio [auto_media_port] RTP/AVP 0 101",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-15",
]


class SippFailed(AssertionError):
    """The scenario did not come to its end."""


def rejects(code: int) -> str:
    """A scenario: ring for the pause, then reject. The code stands in the text, sipp allows no variable there."""
    rejected = _respond(f"{code} {PHRASES[code]}", retransmit=True)
    return _scenario('<recv request="INVITE"/>', _ringing(), "<pause/>", rejected, '<recv request="ACK"/>')


def answers(*, presses_one_after: float | None = None) -> str:
    """A scenario: ring for the pause, answer, perhaps press 1 after so many seconds, wait for BYE.

    It sends no sound but the key, so a SIP bridge gives the call up after half a minute.
    """
    picked_up = _respond("200 OK", CONTACT, body=SESSION, retransmit=True)
    steps = ['<recv request="INVITE"/>', _ringing(), "<pause/>", picked_up, '<recv request="ACK"/>']
    if presses_one_after is not None:
        steps.append(f'<pause milliseconds="{round(presses_one_after * 1000)}"/>')
        steps.append(f'<nop><action><exec play_pcap_audio="{KEY_ONE}"/></action></nop>')
    return _scenario(*steps, '<recv request="BYE" timeout="30000"/>', _respond("200 OK", tag=""))


def _scenario(*steps: str) -> str:
    return "\n".join(
        ['<?xml version="1.0" encoding="UTF-8"?>', '<scenario name="callee">', *steps, "</scenario>"]
    )


def _ringing() -> str:
    return _respond("180 Ringing", CONTACT)


def _respond(
    status: str, *headers: str, body: list[str] | None = None, tag: str = OUR_TAG, retransmit: bool = False
) -> str:
    kind = ["Content-Type: application/sdp", "Content-Length: [len]"] if body else ["Content-Length: 0"]
    lines = [
        f"SIP/2.0 {status}",
        *(line.format(tag=tag) for line in DIALOG),
        *headers,
        *kind,
        "",
        *(body or []),
    ]
    repeated = ' retrans="500"' if retransmit else ""
    return f"<send{repeated}><![CDATA[\n" + "\n".join(lines) + "\n]]></send>"


class Sipp:
    """One call, taken by `scenario`: `async with Sipp(STAFF, rejects(486), folder) as phone: await phone.done()`."""

    def __init__(
        self, ip: str, scenario: str, folder: Path, *, port: int = 5060, ring: float = 0.5, timeout: int = 30
    ) -> None:
        self.ip, self.port, self.folder = ip, port, folder
        self.scenario = folder / "sipp.xml"
        self.scenario.write_text(scenario)
        own = ["-sf", str(self.scenario), "-i", ip, "-p", str(port), "-mp", "31000", "-m", "1"]
        self._command = ["sipp", *own, "-d", str(round(ring * 1000)), "-nostdin", "-timeout", str(timeout)]
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        with (self.folder / "sipp.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        async with asyncio.timeout(5.0):
            while not listens(self.ip, self.port):
                await asyncio.sleep(0.02)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def done(self, timeout: float = 30.0) -> None:
        """Wait for the end of the scenario. Raises SippFailed when it went otherwise."""
        assert self._process is not None
        async with asyncio.timeout(timeout):
            code = await self._process.wait()
        if code != 0:
            log = (self.folder / "sipp.log").read_text(errors="replace")
            raise SippFailed(f"sipp ended with {code}:\n{log[-2000:]}")


def listens(ip: str, port: int) -> bool:
    """Whether a UDP socket of this namespace is bound to the address."""
    reversed_ip = "".join(f"{int(part):02X}" for part in reversed(ip.split(".")))
    return f" {reversed_ip}:{port:04X} " in Path("/proc/net/udp").read_text()
