"""Elastic SIP trunks on the loopback Twilio, with what hangs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_answers import (
    Row,
    form_of,
    new_sid,
    new_time,
    truth,
)
from callisi_runtime.loopback.twilio_pages import meta_page
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from callisi_runtime.loopback.twilio import TwilioServer
    from callisi_runtime.loopback.twilio_numbers import Numbers
    from callisi_runtime.loopback.twilio_sip import Sip

ORIGIN: Final = "https://trunking.twilio.com"
TRUNKS: Final = "/v1/Trunks"
_TEXT: Final[dict[str, str]] = {
    "FriendlyName": "friendly_name",
    "DomainName": "domain_name",
    "DisasterRecoveryUrl": "disaster_recovery_url",
    "DisasterRecoveryMethod": "disaster_recovery_method",
    "TransferMode": "transfer_mode",
    "TransferCallerId": "transfer_caller_id",
}
_TRUTH: Final = {"Secure": "secure", "CnamLookupEnabled": "cnam_lookup_enabled"}
_ORIGINATION: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "Weight": ("weight", int),
    "Priority": ("priority", int),
    "Enabled": ("enabled", truth),
    "FriendlyName": ("friendly_name", str),
    "SipUrl": ("sip_url", str),
}


class Trunking:
    """Trunks, their origination URLs, attached credential lists, numbers and recording."""

    def __init__(self, server: TwilioServer) -> None:
        self.server = server
        self.trunks: dict[str, Row] = {}
        self.urls: dict[str, Row] = {}
        self.credential_lists: dict[str, list[str]] = {}
        """Trunk's sid -> sids of credential lists."""

    def routes(self) -> Sequence[Route]:
        """See Part."""
        one, r = f"{TRUNKS}/{{TrunkSid}}", Route
        urls, lists, numbers = f"{one}/OriginationUrls", f"{one}/CredentialLists", f"{one}/PhoneNumbers"
        return [
            r("trunk_list", "GET", TRUNKS, self._list),
            r("trunk_create", "POST", TRUNKS, self._create),
            r("trunk_fetch", "GET", one, self._fetch),
            r("trunk_update", "POST", one, self._update),
            r("trunk_delete", "DELETE", one, self._delete),
            r("origination_list", "GET", urls, self._urls_of),
            r("origination_create", "POST", urls, self._create_url),
            r("origination_update", "POST", f"{urls}/{{Sid}}", self._update_url),
            r("origination_delete", "DELETE", f"{urls}/{{Sid}}", self._delete_url),
            r("termination_list", "GET", lists, self._lists_of),
            r("termination_create", "POST", lists, self._attach_list),
            r("termination_delete", "DELETE", f"{lists}/{{Sid}}", self._detach_list),
            r("trunk_number_list", "GET", numbers, self._numbers_of),
            r("trunk_number_create", "POST", numbers, self._attach_number),
            r("trunk_number_delete", "DELETE", f"{numbers}/{{Sid}}", self._detach_number),
            r("recording_fetch", "GET", f"{one}/Recording", self._recording),
            r("recording_update", "POST", f"{one}/Recording", self._record),
        ]

    def add_trunk(self, friendly_name: str | None, domain_name: str | None = None, **values: Any) -> Row:
        """A trunk that is there already."""
        sid, now = new_sid("TK"), new_time()
        here = f"{ORIGIN}{TRUNKS}/{sid}"
        row: Row = {
            "sid": sid,
            "account_sid": self.server.account_sid,
            "friendly_name": friendly_name,
            "domain_name": domain_name,
            "disaster_recovery_method": "POST",
            "disaster_recovery_url": None,
            "secure": False,
            "cnam_lookup_enabled": False,
            "symmetric_rtp_enabled": False,
            "recording": {"mode": "do-not-record", "trim": "do-not-trim"},
            "transfer_mode": "disable-all",
            "transfer_caller_id": "from-transferee",
            "auth_type": "",
            "auth_type_set": [],
            "date_created": now,
            "date_updated": now,
            "url": here,
            "links": {
                "origination_urls": f"{here}/OriginationUrls",
                "credential_lists": f"{here}/CredentialLists",
                "ip_access_control_lists": f"{here}/IpAccessControlLists",
                "phone_numbers": f"{here}/PhoneNumbers",
            },
        } | values
        self.trunks[sid], self.credential_lists[sid] = row, []
        return row

    def add_url(self, trunk_sid: str, sip_url: str, friendly_name: str = "by hand", **values: Any) -> Row:
        """An origination URL that is there already."""
        sid, now = new_sid("OU"), new_time()
        row: Row = {
            "sid": sid,
            "account_sid": self.server.account_sid,
            "trunk_sid": trunk_sid,
            "sip_url": sip_url,
            "friendly_name": friendly_name,
            "weight": 10,
            "priority": 10,
            "enabled": True,
            "date_created": now,
            "date_updated": now,
            "url": f"{ORIGIN}{TRUNKS}/{trunk_sid}/OriginationUrls/{sid}",
        } | values
        self.urls[sid] = row
        return row

    @property
    def _numbers(self) -> Numbers:
        numbers: Numbers = self.server.parts["numbers"]  # type: ignore[assignment]
        return numbers

    @property
    def _sip(self) -> Sip:
        sip: Sip = self.server.parts["sip"]  # type: ignore[assignment]
        return sip

    # Trunks.

    async def _list(self, request: web.Request) -> web.Response:
        return meta_page(request, "trunks", list(self.trunks.values()))

    async def _create(self, request: web.Request) -> web.Response:
        form = await form_of(request)
        if (refused := self._refused(form)) is not None:
            return refused
        return web.json_response(self._filled(self.add_trunk(None), form), status=201)

    async def _fetch(self, request: web.Request) -> web.Response:
        row = self.trunks.get(request.match_info["TrunkSid"])
        return self._absent(request) if row is None else web.json_response(row)

    async def _update(self, request: web.Request) -> web.Response:
        row, form = self.trunks.get(request.match_info["TrunkSid"]), await form_of(request)
        if row is None:
            return self._absent(request)
        if (refused := self._refused(form, row["sid"])) is not None:
            return refused
        return web.json_response(self._filled(row, form))

    async def _delete(self, request: web.Request) -> web.Response:
        sid = request.match_info["TrunkSid"]
        if self.trunks.pop(sid, None) is None:
            return self._absent(request)
        del self.credential_lists[sid]
        self.urls = {key: row for key, row in self.urls.items() if row["trunk_sid"] != sid}
        self._numbers.leave(sid)
        return web.Response(status=204)

    def _refused(self, form: Row, own: str = "") -> web.Response | None:
        domain = form.get("DomainName")
        if domain is None:
            return None
        if not domain.endswith(".pstn.twilio.com"):
            return self.server.error(21245, "Trunk Validation Error: the domain ends with .pstn.twilio.com")
        if any(row["domain_name"] == domain and row["sid"] != own for row in self.trunks.values()):
            return self.server.error(21248, "Trunk Domain already taken")
        return None

    def _filled(self, row: Row, form: Row) -> Row:
        row |= {_TEXT[name]: value for name, value in form.items() if name in _TEXT}
        row |= {_TRUTH[name]: truth(value) for name, value in form.items() if name in _TRUTH}
        row["date_updated"] = new_time()
        return row

    # Origination URLs.

    async def _urls_of(self, request: web.Request) -> web.Response:
        sid = request.match_info["TrunkSid"]
        if sid not in self.trunks:
            return self._absent(request)
        rows = [row for row in self.urls.values() if row["trunk_sid"] == sid]
        return meta_page(request, "origination_urls", rows)

    async def _create_url(self, request: web.Request) -> web.Response:
        sid, form = request.match_info["TrunkSid"], await form_of(request)
        if sid not in self.trunks:
            return self._absent(request)
        if not form["SipUrl"].startswith("sip:"):
            return self.server.error(
                20001, "Invalid parameter value: SipUrl, only the sip schema is supported"
            )
        row = self.add_url(sid, form["SipUrl"])
        return web.json_response(_originated(row, form), status=201)

    async def _update_url(self, request: web.Request) -> web.Response:
        row, form = self.urls.get(request.match_info["Sid"]), await form_of(request)
        return self._absent(request) if row is None else web.json_response(_originated(row, form))

    async def _delete_url(self, request: web.Request) -> web.Response:
        if self.urls.pop(request.match_info["Sid"], None) is None:
            return self._absent(request)
        return web.Response(status=204)

    # Credential lists that may dial.

    async def _lists_of(self, request: web.Request) -> web.Response:
        sid = request.match_info["TrunkSid"]
        if sid not in self.trunks:
            return self._absent(request)
        rows = [self._attached(sid, key) for key in self.credential_lists[sid]]
        return meta_page(request, "credential_lists", rows)

    async def _attach_list(self, request: web.Request) -> web.Response:
        sid, form = request.match_info["TrunkSid"], await form_of(request)
        key = form["CredentialListSid"]
        if sid not in self.trunks or key not in self._sip.lists:
            return self._absent(request)
        if key not in self.credential_lists[sid]:
            self.credential_lists[sid].append(key)
        self._authenticate(sid)
        return web.json_response(self._attached(sid, key), status=201)

    async def _detach_list(self, request: web.Request) -> web.Response:
        sid, key = request.match_info["TrunkSid"], request.match_info["Sid"]
        if key not in self.credential_lists.get(sid, []):
            return self._absent(request)
        self.credential_lists[sid].remove(key)
        self._authenticate(sid)
        return web.Response(status=204)

    def _attached(self, sid: str, key: str) -> Row:
        listed = self._sip.lists[key]
        return {
            "account_sid": self.server.account_sid,
            "sid": key,
            "trunk_sid": sid,
            "friendly_name": listed["friendly_name"],
            "date_created": new_time(),
            "date_updated": new_time(),
            "url": f"{ORIGIN}{TRUNKS}/{sid}/CredentialLists/{key}",
        }

    def _authenticate(self, sid: str) -> None:
        kinds = ["CREDENTIAL_LIST"] if self.credential_lists[sid] else []
        self.trunks[sid] |= {"auth_type": ",".join(kinds), "auth_type_set": kinds}

    # Numbers.

    async def _numbers_of(self, request: web.Request) -> web.Response:
        sid = request.match_info["TrunkSid"]
        if sid not in self.trunks:
            return self._absent(request)
        rows = [self._number_row(row) for row in self._numbers.owned.values() if row["trunk_sid"] == sid]
        return meta_page(request, "phone_numbers", rows)

    async def _attach_number(self, request: web.Request) -> web.Response:
        sid, key = request.match_info["TrunkSid"], (await form_of(request))["PhoneNumberSid"]
        row = self._numbers.owned.get(key)
        if sid not in self.trunks or row is None:
            return self._absent(request)
        row |= {"trunk_sid": sid, "voice_application_sid": None}
        return web.json_response(self._number_row(row), status=201)

    async def _detach_number(self, request: web.Request) -> web.Response:
        row = self._numbers.owned.get(request.match_info["Sid"])
        if row is None or row["trunk_sid"] != request.match_info["TrunkSid"]:
            return self._absent(request)
        row["trunk_sid"] = None
        return web.Response(status=204)

    def _number_row(self, row: Row) -> Row:
        left_out = ("uri", "type", "status", "origin", "bundle_sid", "identity_sid", "voice_receive_mode")
        here = f"{ORIGIN}{TRUNKS}/{row['trunk_sid']}/PhoneNumbers/{row['sid']}"
        links = {"phone_number": f"https://api.twilio.com{row['uri'].removesuffix('.json')}"}
        shown = {name: value for name, value in row.items() if name not in left_out}
        return {**shown, "date_created": new_time(), "date_updated": new_time(), "url": here, "links": links}

    # Recording.

    async def _recording(self, request: web.Request) -> web.Response:
        row = self.trunks.get(request.match_info["TrunkSid"])
        return self._absent(request) if row is None else web.json_response(row["recording"])

    async def _record(self, request: web.Request) -> web.Response:
        row, form = self.trunks.get(request.match_info["TrunkSid"]), await form_of(request)
        if row is None:
            return self._absent(request)
        row["recording"] |= {name.lower(): value for name, value in form.items()}
        return web.json_response(row["recording"])

    def _absent(self, request: web.Request) -> web.Response:
        return self.server.error(20404, f"The requested resource {request.path} was not found")


def _originated(row: Row, form: Row) -> Row:
    for name, value in form.items():
        key, read = _ORIGINATION[name]
        row[key] = read(value)
    return row
