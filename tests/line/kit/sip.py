"""SIP messages and the session descriptions they carry, as far as a telephone in a test needs them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

Header = tuple[str, str]
"""(name, value) as written on the wire."""
Address = tuple[str, int]
"""(IPv4 address, UDP port)."""

COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "r": "refer-to",
    "s": "subject",
}
PHRASES = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}


class NotSip(ValueError):
    """What arrived is no SIP message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One request or response."""

    start: str
    """The first line."""
    headers: tuple[Header, ...]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """Raises NotSip when the first line is that of no SIP message."""
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        if "SIP/2.0" not in start:
            raise NotSip(f"{len(data)} bytes that are no SIP message")
        pairs = (line.partition(":") for line in lines)
        return cls(start, tuple((name.strip(), value.strip()) for name, _, value in pairs), body)

    def render(self) -> bytes:
        """The message as it goes on the wire, with its Content-Length."""
        length = ("Content-Length", str(len(self.body.encode())))
        lines = [self.start, *(f"{name}: {value}" for name, value in (*self.headers, length)), "", ""]
        return ("\r\n".join(lines) + self.body).encode()

    @property
    def status(self) -> int | None:
        """The code of a response, None for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else None

    @property
    def method(self) -> str:
        """The method of a request, or of the request that a response answers."""
        return self.start.split()[0] if self.status is None else self["CSeq"].split()[1]

    @property
    def uri(self) -> str:
        """The Request-URI."""
        return self.start.split()[1]

    @property
    def sequence(self) -> int:
        """The number in CSeq."""
        return int(self["CSeq"].split()[0])

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if COMPACT.get(key.lower(), key.lower()) == wanted]

    def __getitem__(self, name: str) -> str:
        """The first value of a header, empty when it is missing."""
        return next(iter(self.all(name)), "")


def request(method: str, uri: str, headers: list[Header], body: str = "") -> Message:
    """A request; `headers` stand in the order given."""
    return Message(f"{method} {uri} SIP/2.0", tuple(headers), body)


def response(
    to: Message, code: int, phrase: str, tag: str, *, headers: list[Header] | None = None, body: str = ""
) -> Message:
    """The response to a request: its own dialog headers, then `headers`."""
    own: list[Header] = [(name, value) for name in ("Via", "Record-Route", "From") for value in to.all(name)]
    far = to["To"] if "tag=" in to["To"] or code == 100 else f"{to['To']};tag={tag}"
    own += [("To", far), ("Call-ID", to["Call-ID"]), ("CSeq", to["CSeq"])]
    return Message(f"SIP/2.0 {code} {phrase}", (*own, *(headers or [])), body)


def uri_in(header: str) -> str:
    """The URI of a From, To or Contact."""
    bracketed = re.search(r"<([^>]+)>", header)
    return bracketed[1] if bracketed else header.partition(";")[0].strip()


def user_in(header: str) -> str:
    """The user part of a From, To or Contact, empty when it has none."""
    user = re.search(r"sips?:([^@>;]+)@", header)
    return user[1] if user else ""


def address_in(uri: str) -> Address:
    """Where a SIP URI points to, by its IPv4 address; port 5060 when it names none."""
    host, _, port = uri.partition(";")[0].rpartition("@")[2].removeprefix("sip:").partition(":")
    return host, int(port or 5060)


def new_branch() -> str:
    """A transaction's name."""
    return "z9hG4bK" + secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Media:
    """Where the other side wants its audio, and the payload type of its keys."""

    address: Address
    keys: int = 101


def describe_media(ip: str, port: int) -> str:
    """The session description of a telephone that speaks PCMU and telephone events."""
    lines = [
        "v=0",
        f"o=- 1 1 IN IP4 {ip}",
        "s=-",
        f"c=IN IP4 {ip}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=sendrecv",
    ]
    return "\r\n".join(lines) + "\r\n"


def media_in(body: str) -> Media | None:
    """What a session description says about audio, None when it says nothing."""
    host = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", body, re.MULTILINE)
    if not host or not port:
        return None
    keys = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", body, re.MULTILINE)
    return Media((host[1], int(port[1])), int(keys[1]) if keys else 101)


@dataclass(slots=True)
class Dialog:
    """What every message of one call has in common."""

    call_id: str
    local: str
    """Our From or To, with our tag."""
    remote: str
    """Theirs, with their tag once it is known."""
    target: str
    """The Request-URI of the next request."""
    contact: str
    via: str
    """Our own `ip:port`."""
    destination: Address
    sequence: int = 1
    route: list[str] = field(default_factory=list)

    def request(
        self,
        method: str,
        *,
        extra: list[Header] | None = None,
        body: str = "",
        number: int | None = None,
        transaction: Message | None = None,
    ) -> Message:
        """The next request of the call.

        CANCEL, and the ACK of a rejection, belong to the `transaction` of the INVITE and take its number and
        branch; the ACK of a 200 takes only its `number`.
        """
        number, via = number or self.sequence, f"SIP/2.0/UDP {self.via};branch={new_branch()};rport"
        if transaction is not None:
            number, via = transaction.sequence, transaction["Via"]
        headers: list[Header] = [
            ("Via", via),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
            *(("Route", hop) for hop in self.route),
            ("Contact", self.contact),
            *(extra or []),
        ]
        if body and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/sdp"))
        return request(method, self.target, headers, body)
