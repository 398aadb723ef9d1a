"""SIP credential lists on the loopback Twilio: users are shown, their passwords never again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aiohttp import web

from callisi_runtime.loopback.twilio_answers import ACCOUNT, Row, form_of, new_sid, old_list, old_time
from callisi_runtime.loopback.twilio_part import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callisi_runtime.loopback.twilio import TwilioServer
    from callisi_runtime.loopback.twilio_trunking import Trunking

LISTS: Final = f"{ACCOUNT}/SIP/CredentialLists"


class Sip:
    """Credential lists and the users in them."""

    def __init__(self, server: TwilioServer) -> None:
        self.server = server
        self.lists: dict[str, Row] = {}
        self.users: dict[str, Row] = {}
        self.passwords: dict[str, str] = {}
        """User's sid -> password: for tests; no answer shows it."""

    def routes(self) -> Sequence[Route]:
        """See Part."""
        users = f"{LISTS}/{{CredentialListSid}}/Credentials"
        return [
            Route("credential_list_list", "GET", f"{LISTS}.json", self._lists),
            Route("credential_list_create", "POST", f"{LISTS}.json", self._create_list),
            Route("credential_list_update", "POST", f"{LISTS}/{{Sid}}.json", self._rename_list),
            Route("credential_list_delete", "DELETE", f"{LISTS}/{{Sid}}.json", self._delete_list),
            Route("credential_list_users", "GET", f"{users}.json", self._users),
            Route("credential_create", "POST", f"{users}.json", self._create_user),
            Route("credential_update", "POST", f"{users}/{{Sid}}.json", self._change_password),
            Route("credential_delete", "DELETE", f"{users}/{{Sid}}.json", self._delete_user),
        ]

    def add_list(self, friendly_name: str) -> Row:
        """A list that is there already."""
        row = self._stamped("CL", {"friendly_name": friendly_name})
        here = f"/2010-04-01/Accounts/{self.server.account_sid}/SIP/CredentialLists/{row['sid']}"
        row |= {"uri": f"{here}.json", "subresource_uris": {"credentials": f"{here}/Credentials.json"}}
        self.lists[row["sid"]] = row
        return row

    def add_user(self, list_sid: str, username: str, password: str) -> Row:
        """A user that is there already."""
        row = self._stamped("CR", {"credential_list_sid": list_sid, "username": username})
        row["uri"] = f"{self.lists[list_sid]['uri'].removesuffix('.json')}/Credentials/{row['sid']}.json"
        self.users[row["sid"]], self.passwords[row["sid"]] = row, password
        return row

    def users_of(self, list_sid: str) -> dict[str, str]:
        """User name -> password, for tests."""
        return {
            row["username"]: self.passwords[sid]
            for sid, row in self.users.items()
            if row["credential_list_sid"] == list_sid
        }

    def _stamped(self, prefix: str, values: Row) -> Row:
        now = old_time()
        made = {"sid": new_sid(prefix), "account_sid": self.server.account_sid}
        return {**made, "date_created": now, "date_updated": now, **values}

    async def _lists(self, request: web.Request) -> web.Response:
        return old_list(request, "credential_lists", list(self.lists.values()))

    async def _create_list(self, request: web.Request) -> web.Response:
        form = await form_of(request)
        return web.json_response(self.add_list(form["FriendlyName"]), status=201)

    async def _rename_list(self, request: web.Request) -> web.Response:
        row = self.lists.get(request.match_info["Sid"])
        if row is None:
            return self._absent(request)
        row["friendly_name"] = (await form_of(request))["FriendlyName"]
        return web.json_response(row)

    async def _delete_list(self, request: web.Request) -> web.Response:
        sid = request.match_info["Sid"]
        if self.lists.get(sid) is None:
            return self._absent(request)
        trunking: Trunking = self.server.parts["trunking"]  # type: ignore[assignment]
        if any(sid in lists for lists in trunking.credential_lists.values()):
            return self.server.error(21241, "Credential List Dependencies Violation")
        del self.lists[sid]
        self.users = {key: row for key, row in self.users.items() if row["credential_list_sid"] != sid}
        return web.Response(status=204)

    async def _users(self, request: web.Request) -> web.Response:
        sid = request.match_info["CredentialListSid"]
        if sid not in self.lists:
            return self._absent(request)
        rows = [row for row in self.users.values() if row["credential_list_sid"] == sid]
        return old_list(request, "credentials", rows)

    async def _create_user(self, request: web.Request) -> web.Response:
        sid, form = request.match_info["CredentialListSid"], await form_of(request)
        if sid not in self.lists:
            return self._absent(request)
        if form["Username"] in self.users_of(sid):
            return self.server.error(21243, "Credential Validation Error: the username exists already")
        if not strong(form["Password"]):
            return self._weak()
        return web.json_response(self.add_user(sid, form["Username"], form["Password"]), status=201)

    async def _change_password(self, request: web.Request) -> web.Response:
        row, form = self.users.get(request.match_info["Sid"]), await form_of(request)
        if row is None:
            return self._absent(request)
        if not strong(form.get("Password", "")):
            return self._weak()
        self.passwords[row["sid"]] = form["Password"]
        return web.json_response(row)

    async def _delete_user(self, request: web.Request) -> web.Response:
        if self.users.pop(request.match_info["Sid"], None) is None:
            return self._absent(request)
        return web.Response(status=204)

    def _weak(self) -> web.Response:
        words = "Credential Validation Error: 12 characters, with a digit and upper and lower case"
        return self.server.error(21243, words)

    def _absent(self, request: web.Request) -> web.Response:
        return self.server.error(20404, f"The requested resource {request.path} was not found")


def strong(password: str) -> bool:
    """Whether Twilio takes it as a SIP password."""
    return len(password) >= 12 and all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
