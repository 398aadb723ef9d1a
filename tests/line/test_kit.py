"""The telephones of the line tests against each other on loopback: what one says, the other must hear."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from .kit.audio import (
    RATE,
    Samples,
    babble,
    decode_ulaw,
    encode_ulaw,
    read_wav,
    resample,
    silence,
    tone,
    write_wav,
)
from .kit.call import CallFailed, Ending
from .kit.hearing import SILENT_TONE, TONES, Heard
from .kit.net import BINARIES, INSIDE, why_not
from .kit.phone import Phone
from .kit.refer import referred, report
from .kit.staff import by_number, is_a_mailbox, lets_it_ring, picks_up, refuses
from .kit.worker import Worker, WorkerFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from .kit.incoming import IncomingCall
    from .kit.outgoing import OutgoingCall


@pytest.fixture
async def caller() -> AsyncIterator[Phone]:
    async with Phone("127.0.0.2", 0, number="+4915112345678") as phone:
        yield phone


@pytest.fixture
async def staff() -> AsyncIterator[Phone]:
    async with Phone("127.0.0.3", 0) as phone:
        yield phone


def uri(phone: Phone, number: str = "+49302") -> str:
    return f"sip:{number}@{phone.ip}:{phone.port}"


async def connect(caller: Phone, staff: Phone) -> tuple[OutgoingCall, IncomingCall]:
    calling = await caller.call(uri(staff))
    ringing = await staff.rings()
    ringing.ring()
    await calling.rings()
    await ringing.answer()
    await calling.answered()
    return calling, ringing


class TestAudio:
    def test_every_ulaw_code_survives_the_round_trip(self) -> None:
        codes = bytes(set(range(256)) - {0x7F})  # the negative zero becomes the positive one
        assert encode_ulaw(decode_ulaw(codes)) == codes

    def test_ulaw_is_within_half_a_step_of_every_sample(self) -> None:
        samples = np.arange(-32124, 32125, dtype=np.int16)
        error = np.abs(decode_ulaw(encode_ulaw(samples)).astype(int) - samples)
        assert np.all(error <= np.abs(samples.astype(int)) / 31 + 4)

    def test_resampling_keeps_a_tone_where_it_is(self) -> None:
        heard = Heard(0.0, resample(tone(TONES["clara"], 1.0, rate=24000), 24000, RATE))
        assert {span.name for span in heard.tones()} == {"clara"}

    def test_a_wav_file_keeps_every_sample(self, tmp_path: Path) -> None:
        sentence = babble(0.5, seed=1)
        write_wav(tmp_path / "sentence.wav", sentence)
        assert np.array_equal(read_wav(tmp_path / "sentence.wav"), sentence)


class TestHearing:
    def test_a_tone_is_dated_and_named(self) -> None:
        heard = Heard(100.0, np.concatenate([silence(0.5), tone(TONES["caller"], 1.0), silence(0.5)]))
        (span,) = heard.tones()
        assert (span.name, span.start, span.end) == ("caller", 100.5, 101.5)
        assert not heard.tones({"click": SILENT_TONE})

    def test_two_tones_at_once_are_both_heard(self) -> None:
        both = tone(TONES["clara"], 1.0) + tone(TONES["music"], 1.0)
        assert {span.name for span in Heard(0.0, both).tones()} == {"clara", "music"}

    def test_a_sentence_is_found_to_the_millisecond_in_noise(self) -> None:
        sentence = babble(2.0, seed=1)
        heard = Heard(
            100.0, on_a_bad_line(silence(0.7), babble(1.5, seed=2), silence(0.3), sentence, silence(0.4))
        )
        (match,) = heard.find(sentence)
        assert match.at == pytest.approx(102.5, abs=0.001)
        assert match.score > 0.9

    def test_another_sentence_of_the_same_voice_is_not_found(self) -> None:
        assert not Heard(0.0, on_a_bad_line(babble(3.0, seed=2))).find(babble(2.0, seed=1))

    def test_a_sentence_is_found_as_often_as_it_was_said(self) -> None:
        sentence = babble(1.5, seed=1)
        matches = Heard(0.0, on_a_bad_line(sentence, silence(0.5), sentence)).find(sentence)
        assert sorted(round(match.at, 2) for match in matches) == [0.0, 2.0]

    def test_a_sentence_with_twenty_milliseconds_lost_is_still_found(self) -> None:
        sentence = babble(2.0, seed=1)
        broken = np.concatenate([sentence[: RATE // 2], sentence[RATE // 2 + 160 :]])
        (match,) = Heard(0.0, on_a_bad_line(silence(1.0), broken, silence(0.5))).find(sentence)
        assert match.at == pytest.approx(1.0, abs=0.03)

    def test_the_silence_before_the_first_word_belongs_to_the_sentence(self) -> None:
        sentence = np.concatenate([silence(0.3), babble(1.0, seed=1)])
        (match,) = Heard(0.0, on_a_bad_line(silence(1.0), sentence, silence(0.5))).find(sentence)
        assert match.at == pytest.approx(1.0, abs=0.001)

    def test_a_hole_inside_a_sentence_is_reported_and_its_own_pauses_are_not(self) -> None:
        sentence = tone(TONES["clara"], 0.5)
        sentence = np.concatenate([babble(1.0, seed=1), silence(0.3), sentence, babble(1.0, seed=2)])
        whole = on_a_bad_line(silence(0.5), sentence, noise=0)
        broken = whole.copy()
        broken[round(1.9 * RATE) : round(2.02 * RATE)] = 0
        (match,) = Heard(0.0, whole).find(sentence)
        assert Heard(0.0, whole).holes(sentence, match) == []
        ((when, seconds),) = Heard(0.0, broken).holes(sentence, match)
        assert when == pytest.approx(1.9, abs=0.02)
        assert seconds == pytest.approx(0.12, abs=0.02)

    def test_speech_is_divided_by_long_pauses_only(self) -> None:
        burst = tone(TONES["caller"], 0.5)
        heard = Heard(0.0, np.concatenate([burst, silence(0.2), burst, silence(0.6), burst]))
        assert [(round(span.start, 1), round(span.end, 1)) for span in heard.speech_spans()] == [
            (0.0, 1.2),
            (1.8, 2.3),
        ]

    def test_a_silent_reference_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"at least 0\.3 s"):
            Heard(0.0, silence(1.0)).find(silence(1.0))


def on_a_bad_line(*parts: Samples, gain: float = 0.4, noise: float = 30) -> Samples:
    sound = np.concatenate(parts) * gain
    sound += np.random.default_rng(0).normal(0, 1, len(sound)) * noise
    return decode_ulaw(encode_ulaw(sound.astype(np.int16)))


class TestTwoTelephones:
    async def test_both_hear_each_other(self, caller: Phone, staff: Phone) -> None:
        calling, ringing = await connect(caller, staff)
        calling.background(tone(TONES["caller"]))
        ringing.background(tone(TONES["staff"]))
        await asyncio.gather(ringing.until_tone("caller"), calling.until_tone("staff"))
        assert {span.name for span in ringing.hears()} == {"caller"}
        assert {span.name for span in calling.hears()} == {"staff"}

    async def test_a_sentence_is_recognised_at_the_other_end(self, caller: Phone, staff: Phone) -> None:
        calling, ringing = await connect(caller, staff)
        sentence = babble(1.0, seed=1)
        said = asyncio.get_running_loop().time()
        await ringing.play(sentence)
        match = await calling.until_heard(sentence)
        assert match.score > 0.95
        assert match.at - said < 0.1
        assert not calling.heard(babble(1.0, seed=2))

    async def test_keys_arrive_as_events_in_both_directions(self, caller: Phone, staff: Phone) -> None:
        calling, ringing = await connect(caller, staff)
        for key in "1#":
            calling.press(key)
            assert (await ringing.until_key()).key == key
        ringing.press("5")
        assert (await calling.until_key()).key == "5"
        assert [key.key for key in ringing.recording.keys] == ["1", "#"]
        with pytest.raises(ValueError, match="no telephone has the key 'x'"):
            calling.press("x")

    @pytest.mark.parametrize("code", [302, 403, 404, 480, 486, 487, 488, 500, 503, 600, 603])
    async def test_every_rejection_reaches_the_caller(self, caller: Phone, staff: Phone, code: int) -> None:
        calling = await caller.call(uri(staff))
        (await staff.rings()).reject(code)
        with pytest.raises(CallFailed, match=f"rejected with {code}"):
            await calling.answered()
        assert (await calling.over()).how is Ending.REJECTED
        assert staff.quiet

    async def test_a_caller_who_gives_up_stops_the_ringing(self, caller: Phone, staff: Phone) -> None:
        calling = await caller.call(uri(staff))
        ringing = await staff.rings()
        ringing.ring()
        await calling.rings()
        await calling.cancel()
        assert (await ringing.over()).how is Ending.CANCELLED
        assert (await calling.over()).how is Ending.CANCELLED
        assert caller.quiet
        assert staff.quiet

    async def test_an_answer_that_crosses_the_cancel_is_hung_up(self, caller: Phone, staff: Phone) -> None:
        calling = await caller.call(uri(staff))
        ringing = await staff.rings()
        await ringing.answer()
        await calling.cancel()  # before the answer has been read
        assert (await ringing.over()).how is Ending.REMOTE_HUNG_UP
        assert (await calling.over()).how is Ending.HUNG_UP

    @pytest.mark.parametrize("first", ["caller", "staff"])
    async def test_whoever_hangs_up_ends_it_for_both(self, caller: Phone, staff: Phone, first: str) -> None:
        calling, ringing = await connect(caller, staff)
        leaving, staying = (calling, ringing) if first == "caller" else (ringing, calling)
        await leaving.hang_up(reason='Q.850;cause=16;text="bye"')
        ended = await staying.over()
        assert ended.how is Ending.REMOTE_HUNG_UP
        assert "cause=16" in ended.reason
        assert (await leaving.over()).how is Ending.HUNG_UP

    async def test_early_media_is_heard_before_the_answer(self, caller: Phone, staff: Phone) -> None:
        calling = await caller.call(uri(staff))
        ringing = await staff.rings()
        await ringing.early_media(tone(TONES["mailbox"]))
        await calling.until_tone("mailbox")
        assert not calling.final.done()
        assert 183 in calling.provisional

    async def test_a_telephone_without_power_does_not_answer(self, caller: Phone, staff: Phone) -> None:
        staff.deaf = True
        calling = await caller.call(uri(staff))
        with pytest.raises(CallFailed, match=r"an answer did not come within 0\.2 s"):
            await calling.answered(0.2)
        staff.deaf = False
        await (await staff.rings()).answer()  # the INVITE is repeated until somebody answers
        await calling.answered()

    async def test_a_telephone_whose_battery_dies_says_nothing(self, caller: Phone, staff: Phone) -> None:
        calling, ringing = await connect(caller, staff)
        calling.background(tone(TONES["caller"]))
        await ringing.until_tone("caller")
        calling.vanish()
        assert not ringing.ended.done()
        assert calling.ended.result().how is Ending.VANISHED

    async def test_a_script_answers_by_itself_and_its_mistakes_come_to_light(self) -> None:
        async def picks_up_and_stumbles(call: IncomingCall) -> None:
            await call.answer()
            raise RuntimeError("stumbled")

        staff = Phone("127.0.0.3", 0)
        staff.script = picks_up_and_stumbles
        async with Phone("127.0.0.2", 0) as caller:
            await staff.__aenter__()
            await (await caller.call(uri(staff))).answered()
            with pytest.raises(RuntimeError, match="stumbled"):
                await staff.__aexit__(None, None, None)

    async def test_a_hidden_number_shows_what_the_carrier_writes(self, caller: Phone, staff: Phone) -> None:
        await caller.call(
            uri(staff),
            sender='"Anonymous" <sip:anonymous@anonymous.invalid>',
            headers=[("Privacy", "id"), ("P-Asserted-Identity", "<sip:+49301@example.org>")],
        )
        invite = (await staff.rings()).invite
        assert "anonymous@anonymous.invalid" in invite["From"]
        assert invite["P-Asserted-Identity"] == "<sip:+49301@example.org>"

    async def test_one_telephone_holds_several_calls(self, caller: Phone, staff: Phone) -> None:
        calls = [await connect(caller, staff) for _ in range(3)]
        for (calling, _), frequency in zip(calls, list(TONES.values()), strict=False):
            calling.background(tone(frequency))
        names = list(itertools.islice(TONES, 3))
        await asyncio.gather(
            *(ringing.until_tone(name) for (_, ringing), name in zip(calls, names, strict=True))
        )
        assert [{span.name for span in ringing.hears()} for _, ringing in calls] == [{name} for name in names]


class TestStaff:
    async def test_picks_up_and_presses_one(self, caller: Phone, staff: Phone) -> None:
        staff.script = picks_up(after=0.05, thinks=0.05)
        calling = await caller.call(uri(staff))
        await calling.answered()
        assert (await calling.until_key()).key == "1"
        await calling.until_tone("staff")

    async def test_a_mailbox_talks_and_presses_nothing(self, caller: Phone, staff: Phone) -> None:
        staff.script = is_a_mailbox(after=0.0)
        calling = await caller.call(uri(staff))
        await calling.until_tone("mailbox")
        assert not calling.recording.keys

    async def test_rings_until_the_caller_gives_up(self, caller: Phone, staff: Phone) -> None:
        staff.script = lets_it_ring()
        calling = await caller.call(uri(staff))
        await calling.rings()
        await calling.cancel()
        assert (await staff.last_call.over()).how is Ending.CANCELLED

    async def test_several_people_share_one_telephone(self, caller: Phone, staff: Phone) -> None:
        staff.script = by_number({"+49302": refuses(486, after=0.0), "+49303": picks_up(after=0.0)})
        await (await caller.call(uri(staff, "+49303"))).answered()
        busy, unknown = await caller.call(uri(staff, "+49302")), await caller.call(uri(staff, "+49304"))
        assert [(await call.final).code for call in (busy, unknown)] == [486, 404]


class TestRefer:
    @pytest.mark.parametrize("code", [200, 486])
    async def test_the_carrier_takes_it_and_reports(self, caller: Phone, staff: Phone, code: int) -> None:
        calling, ringing = await connect(caller, staff)
        asking = asyncio.create_task(ringing.request("REFER", [("Refer-To", "<tel:+49303>")]))
        refer = await referred(calling)
        caller.respond(calling, refer, 202)
        await asking
        await report(calling, code)
        notify = await ringing.requests.get()
        assert refer["Refer-To"] == "<tel:+49303>"
        assert notify.body.startswith(f"SIP/2.0 {code}")


class TestWorker:
    async def test_is_ready_when_it_says_so_and_gone_when_left(self, tmp_path: Path) -> None:
        async with program("print('registered worker'); time.sleep(60)", tmp_path) as worker:
            assert psutil.pid_exists(worker.pid)
        assert worker.exit_code == -signal.SIGTERM
        assert "registered worker" in worker.log_path.read_text()

    async def test_one_that_ends_early_shows_its_log(self, tmp_path: Path) -> None:
        with pytest.raises(WorkerFailed, match=r"(?s)ended with 3 .*no key is set"):
            await program("print('no key is set'); sys.exit(3)", tmp_path).__aenter__()

    async def test_its_children_end_with_it(self, tmp_path: Path) -> None:
        child = "subprocess.Popen(['sleep', '60'])"
        async with program(f"{child}; print('registered worker'); time.sleep(60)", tmp_path) as worker:
            (sleeper,) = worker.children()
            worker.send(signal.SIGKILL)
            assert await worker.ended() == -signal.SIGKILL
            assert sleeper.is_running()
        sleeper.wait(5)

    async def test_it_inherits_no_key_of_the_person_who_runs_the_tests(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "a secret")
        monkeypatch.setenv("LIVEKIT_URL", "wss://somewhere.example.org")
        async with program("print('registered worker', dict(os.environ))", tmp_path) as worker:
            assert "secret" not in worker.lines[0].text
            assert "ws://here" in worker.lines[0].text


def program(code: str, folder: Path) -> Worker:
    code = f"import os, signal, subprocess, sys, time; {code}"
    return Worker([sys.executable, "-u", "-c", code], env={"LIVEKIT_URL": "ws://here"}, folder=folder)


def test_outside_the_box_everything_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(INSIDE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = why_not("sipp")
    assert missing == "not on PATH: livekit-server, livekit-sip, redis-server, ip, unshare, sipp"
    for name in (*BINARIES, "sipp"):
        (tmp_path / name).touch(mode=0o755)
    assert why_not("sipp") == "outside the line's network namespace; run `make line`"
    monkeypatch.setenv(INSIDE, str(tmp_path))
    assert not why_not("sipp")
