"""`--rehearse --send`: no telephone rings, but the call stands in the ledger and the message arrives."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from callisi_runtime.ledger import Ledger
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.notify import NotifySettings, Sender, build_channels
from callisi_runtime.rehearse.document import document
from callisi_runtime.rehearse.real_books import Real
from callisi_runtime.rehearse.rehearsal import Rehearsal
from callisi_runtime.rehearse.script import play

from .kit import PERSON, ROOT, cast, plan_of, said

AGENT = str(ROOT / "variants" / "forward_sms.yaml")


class Refusing(TwilioServer):
    """Says of every number that it is none."""

    def refusal(self, status: int, message: str) -> web.Response:
        return self.error(21211, message, status)


def real(twilio: TwilioServer, tmp_path: Path) -> Real:
    settings = NotifySettings(
        twilio_account_sid=twilio.account_sid,
        twilio_auth_token=twilio.auth_token,
        twilio_api_base=twilio.api_base,
        sms_from="+493023125100",
    )
    ledger = Ledger(f"sqlite:///{tmp_path}/callisi.db")
    return Real(ledger, Sender(ledger, build_channels(settings)))


async def rehearsed(lines: list[str], life: Real, **who: Any) -> dict[str, Any]:
    rehearsal = Rehearsal(plan_of(), replace(cast(**who), real=life))
    async with asyncio.timeout(60):
        await play(rehearsal, lines)
    return document(rehearsal)


async def test_the_message_arrives_and_the_call_stands_in_the_ledger(tmp_path: Path) -> None:
    async with TwilioServer(pace=0.05) as twilio:
        life = real(twilio, tmp_path)
        call = await rehearsed([PERSON], life)
        (message,) = twilio.messages.values()
    (promise,) = await life.ledger.obligations(open_only=False)
    (row,) = await life.ledger.calls()
    events = await life.ledger.timeline(row.id)
    await life.ledger.close()
    assert [(one["status"], one["body"]) for one in call["notifications"]] == [
        ("delivered", message.form["Body"])
    ]
    assert any("per SMS informiert" in text for text in said(call))
    assert call["obligations"] == [{"state": "closed", "evidence": "message_delivered"}]
    assert (promise.evidence, row.outcome) == ("message_delivered", "rang_out")
    assert "event.PersonWanted" in [event.kind for event in events]


async def test_what_the_provider_refuses_is_told_to_the_caller_and_stays_open(tmp_path: Path) -> None:
    async with Refusing() as twilio:
        twilio.faults.add("sms", "status:400", times=None)
        life = real(twilio, tmp_path)
        call = await rehearsed([PERSON], life)
    assert [one["status"] for one in call["notifications"]] == ["failed"]
    assert not any("informiert" in text for text in said(call))
    assert [row.state for row in await life.ledger.notifications(dead=True)] == ["dead"]
    assert len(await life.ledger.obligations()) == 1
    await life.ledger.close()


async def test_a_person_who_takes_the_call_leaves_nothing_to_send(tmp_path: Path) -> None:
    async with TwilioServer() as twilio:
        life = real(twilio, tmp_path)
        call = await rehearsed([PERSON], life, staff="answers")
        assert twilio.messages == {}
    assert call["obligations"] == [{"state": "closed", "evidence": "accepted_by_person"}]
    await life.ledger.close()


async def run(folder: Path, *arguments: str, stdin: str = "", **env: str) -> tuple[int, str, str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **env}
    program = str(Path(sys.executable).with_name("callisi-run"))
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=environ,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 90)
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_says_so_in_its_first_line(tmp_path: Path) -> None:
    async with TwilioServer(pace=0.05) as twilio:
        code, out, err = await run(
            tmp_path,
            AGENT,
            "--rehearse",
            "--send",
            "--staff",
            "no-answer",
            stdin=f"{PERSON}\n",
            TWILIO_ACCOUNT_SID=twilio.account_sid,
            TWILIO_AUTH_TOKEN=twilio.auth_token,
            TWILIO_API_BASE=twilio.api_base,
            TWILIO_PHONE_NUMBER="+493023125100",
        )
        assert len(twilio.messages) == 1
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == (
        "Rehearsal: no telephone rings, but the call stands in the ledger and messages to the staff are truly sent."
    )
    assert out.rstrip().endswith("nothing: message delivered")
    assert (tmp_path / "callisi.db").exists()


async def test_without_an_account_it_is_one_sentence(tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, AGENT, "--rehearse", "--send", stdin="Hallo\n")
    assert code == 1
    assert "the channel sms is declared but cannot send" in err
    assert "TWILIO_ACCOUNT_SID" in err
    assert not (tmp_path / "callisi.db").exists()


@pytest.mark.parametrize("flag", ["--json"])
async def test_the_document_tells_what_became_of_the_real_message(tmp_path: Path, flag: str) -> None:
    async with TwilioServer(pace=0.05) as twilio:
        _, out, _ = await run(
            tmp_path,
            AGENT,
            "--send",
            flag,
            "--staff",
            "busy",
            stdin=f"{PERSON}\n",
            TWILIO_ACCOUNT_SID=twilio.account_sid,
            TWILIO_AUTH_TOKEN=twilio.auth_token,
            TWILIO_API_BASE=twilio.api_base,
            TWILIO_PHONE_NUMBER="+493023125100",
        )
    assert json.loads(out)["notifications"][0]["status"] == "delivered"
