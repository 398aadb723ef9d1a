"""The provider of the storm: every notification's number decides what it does, so the right end is known before."""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from callisi_runtime.ledger import Note, Step, reference_for
from callisi_runtime.loopback.twilio import TwilioServer

CONFIRM = 3.0
"""Seconds until a report is overdue."""
LOST_BY_SMS = 1
"""The last digit of those whose SMS is taken and lost: WhatsApp must tell them."""


def number_of(note_id: str) -> int:
    return int(note_id.split(":")[0].removeprefix("call-"))


def staff(number: int) -> str:
    return f"+491700{number:06d}"


def dies_before_settling(number: int) -> bool:
    return number % 7 == 6


def is_answered(number: int) -> bool:
    return number % 11 == 10 and not dies_before_settling(number)


def right_end(number: int) -> tuple[str, int]:
    """The state and the step in which the notification must end."""
    if is_answered(number):
        return "cancelled", 0
    return {1: ("done", 1), 3: ("done", 2), 4: ("dead", 2)}.get(number % 10, ("done", 0))


def right_sends(number: int) -> dict[str, int]:
    """How many messages each channel must have accepted."""
    if is_answered(number) or number % 10 == 4:
        return {}
    return {1: {"sms": 1, "whatsapp": 1}, 3: {"whatsapp": 1, "webhook": 1}}.get(number % 10, {"sms": 1})


class StormProvider(TwilioServer):
    """Twilio and a webhook receiver whose behaviour depends on the recipient's number."""

    def __init__(self) -> None:
        super().__init__(pace=0.05)
        self.hooks: Counter[str] = Counter()

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/hook/{number}", self._hook), *super().routes()]

    async def operation(self, request: web.Request) -> str:
        if request.path.startswith("/hook"):
            return f"webhook:{request.match_info['number']}"
        if request.method == "POST" and request.path.endswith("/Messages.json"):
            to = str((await request.post())["To"])
            return f"{'whatsapp' if to.startswith('whatsapp:') else 'sms'}:{int(to[-6:])}"
        return await super().operation(request)

    def refusal(self, status: int, message: str) -> web.Response:
        return self.error(21211, message, 400) if status == 400 else super().refusal(status, message)

    async def _hook(self, request: web.Request) -> web.Response:
        # a receiver knows a repeated request by its id, as Standard Webhooks has it: there is nothing to look up
        self.hooks[request.headers["webhook-id"]] = 1
        return web.Response(status=204)

    def plan(self, number: int) -> None:
        """Writes down how the provider behaves towards this number."""
        sms, whatsapp, webhook = f"sms:{number}", f"whatsapp:{number}", f"webhook:{number}"
        match number % 10:
            case 0:
                self.faults.add(sms, "status:503", times=2)
            case 1:
                self.will(staff(number), "sent", "undelivered", error_code=30005)
            case 3:
                self.faults.add(sms, "status:400", times=None)
                self.will(f"whatsapp:{staff(number)}", "failed", error_code=63016)
            case 4:
                self.faults.add(sms, "status:400", times=None)
                self.faults.add(whatsapp, "status:400", times=None)
                self.faults.add(webhook, "status:410", times=None)
            case 5:
                self.faults.add(sms, "accept_then_hang")
            case 6:
                self.faults.add(sms, "status:429", headers={"Retry-After": "1"})
            case 7:
                self.faults.add(sms, "accept_then_drop")
            case 8:
                self.will(staff(number), "sent")

    def sends(self, number: int) -> dict[str, int]:
        """How many messages each channel accepted for this number."""
        count = Counter(
            message.channel for message in self.messages.values() if int(message.to[-6:]) == number
        )
        if hooks := self.hooks[f"call-{number}:no_answer.2"]:
            count["webhook"] = hooks
        return dict(count)


def note_for(number: int, hook: str) -> Note:
    note_id = f"call-{number}:no_answer"
    to = staff(number)
    return Note(
        id=note_id,
        call_id=f"call-{number}",
        agent="clara",
        body={"texts": [f"Anruf {number}"], "facts": {}},
        route=(
            Step("sms", to, tries=6, confirm=CONFIRM),
            Step("whatsapp", to, tries=3, confirm=CONFIRM, options={"sandbox": True}),
            Step("webhook", f"{hook}/hook/{number}", tries=3),
        ),
        reference=reference_for(note_id),
    )
