"""`callisi provision` and `callisi numbers`: from an empty account to a callable number, as it is typed."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callisi_runtime.loopback.livekit import LiveKitServer
from callisi_runtime.loopback.twilio import TwilioServer
from callisi_runtime.loopback.twilio_spec import SpecChecker, find_spec_folder

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.cli.conftest import Callisi

ROOT = Path(__file__).parents[3]
OFFERED = "+4915799912345"
CLARA = str(ROOT / "agents/clara.yaml")


class Providers:
    """Both loopback servers in a loop of their own: commands have theirs."""

    def __init__(self) -> None:
        folder = find_spec_folder()
        self.twilio = TwilioServer(checker=None if folder is None else SpecChecker(folder))
        self.livekit = LiveKitServer()
        self.numbers: Any = self.twilio.parts["numbers"]
        self.trunking: Any = self.twilio.parts["trunking"]
        self.sip: Any = self.twilio.parts["sip"]
        self.regulatory: Any = self.twilio.parts["regulatory"]
        self.senders: Any = self.twilio.parts["senders"]
        self.contents: Any = self.twilio.parts["contents"]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self) -> None:
        self._thread.start()
        for server in (self.twilio, self.livekit):
            asyncio.run_coroutine_threadsafe(server.start(), self._loop).result(10)

    def stop(self) -> None:
        for server in (self.twilio, self.livekit):
            asyncio.run_coroutine_threadsafe(server.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def providers(callisi: Callisi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Providers]:
    """An account with nothing but the papers that Germany asks for, an empty project, a `.env` that leads to both."""
    made = Providers()
    made.start()
    made.regulatory.add("twilio-approved")
    monkeypatch.chdir(tmp_path)
    environ = {
        "TWILIO_API_BASE": made.twilio.api_base,
        "TWILIO_ACCOUNT_SID": made.twilio.account_sid,
        "TWILIO_AUTH_TOKEN": made.twilio.auth_token,
        "DEFAULT_FORWARD_NUMBER": "+493090182011",
        "TWILIO_SMS_TO": "+4917099912345",
        "LIVEKIT_URL": made.livekit.url,
        "LIVEKIT_API_KEY": made.livekit.api_key,
        "LIVEKIT_API_SECRET": made.livekit.api_secret,
        "LIVEKIT_SIP_URI": "sip:3i1153gfo0b.sip.livekit.cloud",
    }
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in environ.items()))
    for name in (*environ, "TWILIO_PHONE_NUMBER", "SIP_TRUNK_NAME"):
        monkeypatch.delenv(name, raising=False)
    yield made
    made.stop()
    assert made.twilio.violations == []


def settled(text: str) -> str:
    """Without what is different in every run: ids, ports, the file's folder."""
    text = re.sub(r"\b(TK|CL|CR|OU|PN|AC|AD|BU|XE|HX)[0-9a-f]{32}\b", r"\1...", text)
    text = re.sub(r"\b(ST|SDR)_\w+", r"\1_...", text)
    text = text.replace(str(ROOT), "ROOT")
    return re.sub(r"callisi-clara-[0-9a-f]{6}\b(?!\.pstn)", "callisi-clara-......", text)


def test_from_an_empty_account_to_a_callable_number_with_two_commands(
    callisi: Callisi, providers: Providers, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    providers.numbers.offer(OFFERED)
    looked = callisi("numbers", "search", "--sms")
    assert (looked.code, OFFERED in looked.out) == (0, True)
    made = callisi("provision", CLARA, "--apply", "--buy", OFFERED)
    assert (made.code, made.err) == (0, "")
    assert settled(made.out) == snapshot
    [number] = providers.numbers.owned.values()
    [trunk] = providers.trunking.trunks.values()
    [inbound] = providers.livekit.trunks.inbound.values()
    [rule] = providers.livekit.trunks.rules.values()
    assert number["trunk_sid"] == trunk["sid"]
    assert list(inbound.numbers) == [OFFERED]
    assert list(rule.trunk_ids) == [inbound.sip_trunk_id]
    written = (tmp_path / ".env").read_text()
    assert f"TWILIO_PHONE_NUMBER={OFFERED}\n" in written
    [password] = providers.sip.passwords.values()
    assert f"SIP_TRUNK_PASSWORD={password}\n" in written
    assert password not in made.out


def test_the_plan_of_an_empty_account(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    providers.numbers.offer(OFFERED)
    ran = callisi("provision", CLARA, "--buy")
    assert ran.code == 0
    assert settled(ran.out) == snapshot
    assert providers.numbers.owned == {}


def test_without_buying_it_is_blocked_and_says_who_acts_where(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    ran = callisi("provision", CLARA)
    assert ran.code == 4
    assert settled(ran.out) == snapshot


def test_without_the_papers_that_is_what_is_blocked(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    providers.regulatory.bundles.clear()
    ran = callisi("provision", CLARA, "--apply", "--buy")
    assert ran.code == 4
    assert settled(ran.out) == snapshot


def test_what_only_the_purchase_shows_to_be_missing_is_blocked_too(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    providers.numbers.offer(OFFERED, address_requirements="local")
    ran = callisi("provision", CLARA, "--apply", "--buy")
    assert ran.code == 4
    assert settled(ran.out) == snapshot


def test_a_plan_of_what_drifted(callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion) -> None:
    providers.numbers.offer(OFFERED)
    callisi("provision", CLARA, "--apply", "--buy")
    [trunk] = providers.trunking.trunks.values()
    trunk |= {"recording": {"mode": "record-from-answer", "trim": "do-not-trim"}, "secure": True}
    [number] = providers.numbers.owned.values()
    number["trunk_sid"] = None
    ran = callisi("provision", CLARA)
    assert ran.code == 0
    assert settled(ran.out) == snapshot


def test_something_in_the_way_is_shown_and_nothing_done(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    providers.trunking.add_trunk("Callisi-LiveKit-Trunk", None)
    ran = callisi("provision", CLARA, "--apply", "--buy", OFFERED)
    assert ran.code == 1
    assert settled(ran.out) == snapshot
    assert len(providers.trunking.trunks) == 1


def test_an_account_that_is_not_there_yet(
    callisi: Callisi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = callisi("provision", CLARA)
    assert ran.code == 4
    assert settled(ran.out) == snapshot


def test_the_document(callisi: Callisi, providers: Providers) -> None:
    providers.numbers.offer(OFFERED)
    plan = json.loads(callisi("provision", CLARA, "--buy", "--json").out)
    assert (plan["ok"], plan["applied"], plan["agent"]) == (True, False, "clara")
    assert {step["action"] for step in plan["plan"]} == {"unchanged", "create", "skipped"}
    done = callisi("provision", CLARA, "--apply", "--buy", "--json")
    document = json.loads(done.out)
    assert document["ok"] is True
    assert [step["action"] for step in document["done"]].count("create") == 9
    assert {step["action"] for step in document["after"]} == {"unchanged", "skipped"}
    [password] = providers.sip.passwords.values()
    assert password not in done.out
    again = json.loads(callisi("provision", CLARA, "--apply", "--json").out)
    assert (again["ok"], again["done"]) == (True, [])


def test_the_document_of_what_is_blocked_and_of_what_is_destroyed(
    callisi: Callisi, providers: Providers
) -> None:
    looked = callisi("provision", CLARA, "--json")
    document = json.loads(looked.out)
    assert (looked.code, document["ok"], document["done"], document["after"]) == (4, False, [], None)
    [number] = [step for step in document["plan"] if step["action"] == "blocked"]
    assert number["resource"] == "twilio-number"
    assert set(number["blocked"]) == {"what", "who", "where", "how_long", "then"}
    assert all(number["blocked"].values())
    providers.numbers.offer(OFFERED)
    callisi("provision", CLARA, "--apply", "--buy")
    gone = callisi("provision", CLARA, "--destroy", "--apply", "--json")
    document = json.loads(gone.out)
    assert (gone.code, document["ok"], document["after"]) == (0, True, [])
    assert {step["action"] for step in document["done"]} == {"delete"}
    assert [number["trunk_sid"] for number in providers.numbers.owned.values()] == [None], (
        "kept, off the trunk"
    )


def test_a_password_is_rotated_without_being_shown(
    callisi: Callisi, providers: Providers, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    providers.numbers.offer(OFFERED)
    callisi("provision", CLARA, "--apply", "--buy")
    [before] = providers.sip.passwords.values()
    shown = callisi("provision", CLARA, "--rotate-password")
    assert shown.code == 0
    assert settled(shown.out) == snapshot
    assert list(providers.sip.passwords.values()) == [before], "only shown"
    done = callisi("provision", CLARA, "--rotate-password", "--apply")
    assert done.code == 0
    assert settled(done.out) == snapshot
    [user] = providers.sip.users
    after = providers.sip.passwords[user]
    [outbound] = providers.livekit.trunks.outbound.values()
    assert (after != before, outbound.auth_password) == (True, after)
    assert f"SIP_TRUNK_PASSWORD={after}\n" in (tmp_path / ".env").read_text()
    assert not {before, after} & set(re.findall(r"\w+", shown.out + done.out + shown.err + done.err))


def test_what_was_given_is_given_again_in_the_command_that_is_proposed(
    callisi: Callisi, providers: Providers, tmp_path: Path
) -> None:
    providers.numbers.offer(OFFERED, kind="local")
    ran = callisi("provision", CLARA, "--buy", "--type", "local", "--env-file", str(tmp_path / "a.env"))
    assert f"--apply --buy --type local --env-file {tmp_path / 'a.env'}\n" in ran.out


def test_a_number_whose_purchase_was_not_written_down_is_written_down_by_the_next_run(
    callisi: Callisi, providers: Providers, tmp_path: Path
) -> None:
    providers.numbers.offer(OFFERED)
    callisi("provision", CLARA, "--apply", "--buy")
    file = tmp_path / ".env"
    file.write_text(file.read_text().replace(f"TWILIO_PHONE_NUMBER={OFFERED}", "TWILIO_PHONE_NUMBER="))
    shown = callisi("provision", CLARA)
    assert "--apply writes TWILIO_PHONE_NUMBER" in shown.out
    assert callisi("provision", CLARA, "--apply").out.startswith("nothing was changed")
    assert f"TWILIO_PHONE_NUMBER={OFFERED}" in file.read_text()


def change(tmp_path: Path, **values: str) -> None:
    """What a person writes into `.env`; the last line counts."""
    with (tmp_path / ".env").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())


def test_a_country_that_twilio_keeps_closed_is_a_persons_work_and_everything_else_is_done(
    callisi: Callisi, providers: Providers, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    providers.numbers.add(OFFERED)
    change(
        tmp_path,
        TWILIO_PHONE_NUMBER=OFFERED,
        DEFAULT_FORWARD_NUMBER="+5351234567",
        TWILIO_SMS_TO="+5351234567",
    )
    ran = callisi("provision", CLARA, "--apply")
    assert ran.code == 4
    assert settled(ran.out) == snapshot
    [number] = providers.numbers.owned.values()
    assert number["trunk_sid"] is not None


def test_whatsapp_from_a_number_to_its_first_template(
    callisi: Callisi, providers: Providers, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    agent, senders = str(ROOT / "variants/forward_whatsapp.yaml"), providers.senders
    providers.numbers.add(OFFERED)
    change(tmp_path, TWILIO_PHONE_NUMBER=OFFERED, TWILIO_WHATSAPP_FROM=f"whatsapp:{OFFERED}")
    change(tmp_path, TWILIO_WHATSAPP_TO="whatsapp:+4917099912345")
    first = callisi("provision", agent, "--apply")
    assert (first.code, "Meta lets only a person do that" in first.out) == (4, True)
    senders.add("+4930901899")  # which is what that person does
    made = callisi("provision", agent, "--apply")
    assert made.code == 4
    assert settled(made.out) == snapshot
    senders.pass_time()
    senders.pass_time()
    [content] = providers.contents.contents.values()
    content.approval.passed = 2
    used = callisi("provision", agent, "--apply")
    assert (used.code, "TWILIO_WHATSAPP_CONTENT_SID=HX" in (tmp_path / ".env").read_text()) == (0, True)
    assert callisi("provision", agent, "--apply").out.startswith("nothing was changed")
    gone = callisi("provision", agent, "--apply", "--destroy")
    assert gone.code == 0
    assert [one.sender_id for one in senders.senders.values()] == ["whatsapp:+4930901899"], (
        "never a stranger's"
    )


def test_destroying_is_shown_first(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    providers.numbers.offer(OFFERED)
    callisi("provision", CLARA, "--apply", "--buy")
    shown = callisi("provision", CLARA, "--destroy", "--release-number")
    assert settled(shown.out) == snapshot
    assert len(providers.numbers.owned) == 1
    gone = callisi("provision", CLARA, "--destroy", "--release-number", "--apply")
    assert gone.code == 0
    assert (providers.numbers.owned, providers.trunking.trunks) == ({}, {})


def test_the_emergency_route_is_printed_alone(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    ran = callisi("provision", CLARA, "--twiml")
    assert ran.code == 0
    assert ran.out == snapshot


def test_an_emergency_route_that_takes_a_message_is_two_texts(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    thanks = callisi("provision", CLARA, "--twiml", "thanks")
    assert thanks.code == 0
    assert thanks.out == snapshot
    alone = callisi("provision", CLARA, "--twiml", "record")
    assert (alone.code, "Store what --twiml thanks prints" in alone.err) == (2, True)
    ran = callisi(
        "provision", CLARA, "--twiml", "record", "--thanks-url", "https://handler.twilio.com/twiml/EH2"
    )
    assert ran.code == 0
    assert ran.out == snapshot


def test_an_emergency_route_to_nobody_is_refused(callisi: Callisi) -> None:
    ran = callisi("provision", CLARA, "--twiml")
    assert ran.code == 1
    assert "set DEFAULT_FORWARD_NUMBER" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--thanks-url", "https://example.com"),
        ("--destroy", "--buy"),
        ("--release-number",),
        ("--buy", "12ab"),
        ("--destroy", "--rotate-password"),
    ],
)
def test_options_that_contradict_each_other(callisi: Callisi, arguments: tuple[str, ...]) -> None:
    assert callisi("provision", CLARA, *arguments).code == 2


def test_numbers_that_can_be_bought(
    callisi: Callisi, providers: Providers, snapshot: SnapshotAssertion
) -> None:
    providers.numbers.offer(OFFERED)
    providers.numbers.offer("+493090182099", kind="local", sms=False, address_requirements="local")
    assert callisi("numbers", "search").out == snapshot
    assert "needs" not in callisi("numbers", "search", "--type", "local", "--json").out
    assert OFFERED in callisi("numbers", "search", "--contains", "999123").out
    assert OFFERED not in callisi("numbers", "search", "--contains", "888").out
    assert json.loads(callisi("numbers", "search", "--type", "local", "--sms", "--json").out)["numbers"] == []
    assert callisi("numbers", "search", "--type", "national").out == snapshot
    assert callisi("numbers", "search", "--type", "pocket").code == 2
    providers.twilio.faults.add("number_search", "status:404")
    assert json.loads(callisi("numbers", "search", "--type", "toll-free", "--json").out)["numbers"] == []


def test_secrets_go_into_the_file_that_is_named_and_are_found_there_again(
    callisi: Callisi, providers: Providers, tmp_path: Path
) -> None:
    providers.numbers.add(OFFERED)
    file = tmp_path / "secrets.env"
    file.write_text(f"TWILIO_PHONE_NUMBER={OFFERED}\n")
    assert callisi("provision", CLARA, "--apply", "--env-file", str(file)).code == 0
    assert "SIP_TRUNK_PASSWORD" not in (tmp_path / ".env").read_text()
    assert "SIP_TRUNK_PASSWORD" in file.read_text()
    again = callisi("provision", CLARA, "--apply", "--env-file", str(file))
    assert again.out.startswith("nothing was changed")


def test_a_password_that_the_environment_fixes_is_not_rotated(
    callisi: Callisi, providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIP_TRUNK_PASSWORD", "Fixed-Password-12")
    ran = callisi("provision", CLARA, "--apply", "--rotate-password")
    assert (ran.code, "counts more than the file" in ran.err) == (2, True)


def test_a_file_that_cannot_be_written_is_said_before_anything_is_made(
    callisi: Callisi, providers: Providers, tmp_path: Path
) -> None:
    providers.numbers.add(OFFERED)
    ran = callisi("provision", CLARA, "--apply", "--env-file", str(tmp_path / "no" / "such" / "folder"))
    assert (ran.code, "cannot be written" in ran.err) == (1, True)
    assert providers.sip.lists == {}


def test_a_search_without_an_account_says_what_to_set(callisi: Callisi, tmp_path: Path) -> None:
    ran = callisi("numbers", "search")
    assert (ran.code, "TWILIO_ACCOUNT_SID" in ran.err) == (1, True)
