"""The calls that are measured on the line, one function per subject."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import line_cost
from benchmarks.hand_written.agent import GREETING
from benchmarks.stage import (
    ANSWER,
    ASK,
    QUESTION,
    Side,
    Stage,
    folder_of_this_run,
    set_up,
    spoken,
)
from tests.line.kit.audio import RATE, Samples, tone
from tests.line.kit.call import CallFailed
from tests.line.kit.hearing import loudness
from tests.line.kit.lines import assert_nothing_left
from tests.line.kit.net import CARRIER, STAFF
from tests.line.kit.phone import Phone

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator

    from benchmarks.report import Report
    from tests.line.kit.call import Call
    from tests.line.kit.incoming import IncomingCall
    from tests.line.kit.outgoing import OutgoingCall

HAND = "hand-written"
MODEL_GREETS = "hand-written, the model greets"
ANNOUNCED = "hand-written, the tool says so first"
WINDOW = RATE // 50
AUDIBLE = 150.0
"""Root mean square of 20 ms from which something is heard."""
SIGNS = {"caller": 2900.0, "staff": 3100.0}
SIGN_LEVEL = 600.0
"""What the two parties send while it is measured when they hear each other; no melody reaches so high."""
BURST = 5
BURST_SECONDS = 1.0
PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Phones:
    """The caller's telephone and the staff's."""

    carrier: Phone
    staff: Phone


@dataclass(frozen=True, slots=True)
class Greeted:
    """How a call began, in seconds from the INVITE, and from the answer."""

    invite: float
    answer: float
    holes: int | None
    """None when the greeting was too broken to be recognised."""


async def measure(report: Report, args: argparse.Namespace) -> None:
    """Every subject that was asked for."""
    subjects = {
        "greeting": greeting,
        "burst": burst,
        "answer": answer,
        "request": request,
        "acceptance": acceptance,
        "rescue": rescue,
        "cost": line_cost.cost,
    }
    async with (
        set_up(folder_of_this_run(), idle=args.idle) as stage,
        Phone(CARRIER) as carrier,
        Phone(STAFF) as staff,
    ):
        phones = Phones(carrier, staff)
        for side in stage.sides:  # the first call of a worker is no measure
            await one_greeting(stage, phones, side)
        for name in args.only:
            await subjects[name](report, stage, phones, args.rounds)


# -- the subjects -------------------------------------------------------------------------------------------------


async def greeting(report: Report, stage: Stage, phones: Phones, rounds: int) -> None:
    """One call at a time: until the caller hears the first sample of the greeting."""
    taken: dict[str, list[Greeted]] = {side.name: [] for side in stage.sides}
    for number in range(rounds):
        for side in turned(stage.sides, number):
            taken[side.name].append(await one_greeting(stage, phones, side))
    begins(report, stage, taken, "one call", targets=(0.5, 0.1))


async def burst(report: Report, stage: Stage, phones: Phones, rounds: int) -> None:
    """Five calls in one second: the same, for each of them."""
    taken: dict[str, list[Greeted]] = {side.name: [] for side in stage.sides}
    for number in range(max(1, rounds // 3)):
        for side in turned(stage.sides, number):
            taken[side.name].extend(await one_burst(stage, phones, side))
    begins(report, stage, taken, "five calls in one second", targets=(0.4, None))


async def answer(report: Report, stage: Stage, phones: Phones, rounds: int) -> None:
    """From the end of the caller's words to the first sample of the answer."""
    stage.ears.words = QUESTION
    taken: dict[str, list[float]] = {"Callisi": [], "hand": []}
    for number in range(max(1, rounds // 2)):
        for side in turned((stage.callisi, stage.hand), number):
            taken[side.name].extend(await answers(phones, side, count=2))
            await quiet(stage)
    subject = "end of the caller's words to the answer"
    report.add(subject, "s", taken["Callisi"], rival=HAND, theirs=taken["hand"], target=1.0)


async def request(report: Report, stage: Stage, phones: Phones, rounds: int) -> None:
    """From the request for a person to the INVITE at the person's telephone."""
    stage.ears.words = ASK
    words: dict[str, list[float]] = {side.name: [] for side in stage.sides}
    understood: dict[str, list[float]] = {side.name: [] for side in stage.sides}
    for number in range(rounds):
        for side in turned(stage.sides, number):
            async with greeted_call(phones, side) as calling:
                leg, ended_at, heard_at = await asks_for_a_person(stage, phones, calling)
                words[side.name].append(leg.began - ended_at)
                understood[side.name].append(leg.began - heard_at)
            await quiet(stage)
    for subject, taken in (
        ("final transcript of the request to INVITE", understood),
        ("end of the request's words to INVITE", words),
    ):
        ours = taken["Callisi"]
        report.add(subject, "s", ours, rival=HAND, theirs=taken["hand"], target=0.2)
        report.add(subject, "s", ours, rival=ANNOUNCED, theirs=taken["model"], target=0.2)


async def acceptance(report: Report, stage: Stage, phones: Phones, rounds: int) -> None:
    """From the person's key to both hearing each other; by hand there is no key: from their answer on."""
    stage.ears.words = ASK
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(max(1, rounds // 2)):
        for side in turned((stage.callisi, stage.hand), number):
            async with greeted_call(phones, side) as calling:
                leg, _, _ = await asks_for_a_person(stage, phones, calling)
                took = ours if side is stage.callisi else theirs
                took.append(await until_both_hear(calling, leg, accept=side is stage.callisi))
            await quiet(stage)
    report.add("acceptance (key) to both hear each other", "s", ours)
    report.add("by hand, without acceptance: 200 to both hear each other", "s", theirs)


async def rescue(report: Report, stage: Stage, phones: Phones, rounds: int) -> None:
    """From the kill of a call's process to the first word of its successor."""
    taken = []
    for _ in range(max(1, rounds // 2)):
        async with greeted_call(phones, stage.callisi) as calling:
            (victim,) = [one for one in stage.callisi.worker.children() if one.net_connections("udp")]
            killed_at = time.monotonic()
            os.kill(victim.pid, signal.SIGKILL)
            taken.append(await first_sound(calling, killed_at, 10) - killed_at)
        await quiet(stage)
    report.add("kill to the first word of the rescue", "s", taken, target=1.2)


# -- one call -----------------------------------------------------------------------------------------------------


async def one_greeting(stage: Stage, phones: Phones, side: Side) -> Greeted:
    """Ring, and hear the greeting to its end."""
    async with ringing(phones, side) as calling:
        begun = await begin(calling, side)
    await quiet(stage)
    return begun


async def one_burst(stage: Stage, phones: Phones, side: Side) -> list[Greeted]:
    """Ring five times within a second; what is heard is judged when all have been greeted."""
    async with contextlib.AsyncExitStack() as stack:
        calls = []
        for _ in range(BURST):
            calls.append(await stack.enter_async_context(ringing(phones, side)))
            await asyncio.sleep(BURST_SECONDS / BURST)
        begun = [await begin(calling, side) for calling in calls]
    await quiet(stage)
    return begun


async def begin(calling: OutgoingCall, side: Side) -> Greeted:
    """How a call began."""
    answered = await calling.answered(20)
    heard = await first_sound(calling, answered, 20)
    reference = spoken(GREETING)
    await asyncio.sleep(max(0.0, heard + len(reference) / RATE + PAUSE - time.monotonic()))
    matches = calling.heard(reference)
    holes = len(calling.audio().holes(reference, matches[0])) if matches else None
    if not matches:
        calling.audio().save(folder_of_this_run() / f"broken-{side.name}-{time.monotonic():.0f}.wav")
    return Greeted(heard - calling.began, heard - answered, holes)


async def answers(phones: Phones, side: Side, *, count: int) -> list[float]:
    """Ask so many times; seconds from the end of each question to the first sample of its answer."""
    question, taken = cut(spoken(QUESTION)), []
    async with greeted_call(phones, side) as calling:
        for _ in range(count):
            await calling.play(question)
            ended = time.monotonic()
            heard = await first_sound(calling, ended, 10)
            taken.append(heard - ended)
            await asyncio.sleep(max(0.0, heard + len(spoken(ANSWER)) / RATE + PAUSE - time.monotonic()))
    return taken


async def asks_for_a_person(
    stage: Stage, phones: Phones, calling: OutgoingCall
) -> tuple[IncomingCall, float, float]:
    """Ask; returns the person's telephone, when the words ended, and when they were understood."""
    before = len(stage.deepgram.log.of("transcript"))
    await calling.play(cut(spoken(ASK)))
    ended = time.monotonic()
    leg = await phones.staff.rings(20)
    entry = stage.deepgram.log.of("transcript")[before]
    return leg, ended, entry.at - time.time() + time.monotonic()


async def until_both_hear(calling: OutgoingCall, leg: IncomingCall, *, accept: bool) -> float:
    """The person answers, and accepts by a key if asked to; seconds until each hears the other."""
    leg.ring()
    await asyncio.sleep(1.0)
    at = await leg.answer()
    if accept:
        await asyncio.sleep(2.0)
    calling.background(tone(SIGNS["caller"]))
    leg.background(tone(SIGNS["staff"]))
    if accept:
        await asyncio.sleep(0.3)
        at = time.monotonic()
        leg.press("1")
    heard = [await sign(calling, "staff", at), await sign(leg, "caller", at)]
    return max(heard) - at


async def sign(call: Call, party: str, since: float, timeout: float = 10.0) -> float:
    """When the other party's sign was heard first. Raises CallFailed."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        spans = call.audio().between(since).tones({party: SIGNS[party]}, threshold=SIGN_LEVEL)
        if spans:
            return spans[0].start
        await asyncio.sleep(0.1)
    raise CallFailed(f"the {party} was not heard; {call!r}")


@contextlib.asynccontextmanager
async def ringing(phones: Phones, side: Side) -> AsyncIterator[OutgoingCall]:
    """A call that is hung up at the end, whatever comes of it."""
    calling = await phones.carrier.call(side.uri)
    try:
        yield calling
    finally:
        await calling.cancel()
        await calling.hang_up()


@contextlib.asynccontextmanager
async def greeted_call(phones: Phones, side: Side) -> AsyncIterator[OutgoingCall]:
    """A call whose greeting was heard to its end."""
    async with ringing(phones, side) as calling:
        await begin(calling, side)
        yield calling


async def first_sound(call: Call, since: float, timeout: float) -> float:
    """When something was heard first. Raises CallFailed."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        heard = call.audio().between(since)
        loud = np.flatnonzero(loudness(heard.samples, WINDOW) > AUDIBLE)
        if len(loud):
            return heard.start + float(loud[0]) * WINDOW / RATE
        await asyncio.sleep(0.1)
    raise CallFailed(f"nothing was heard within {timeout} s; {call!r}")


async def quiet(stage: Stage) -> None:
    """Wait until nobody is on the line."""
    await assert_nothing_left(stage.lk, within=30.0)
    await asyncio.sleep(PAUSE)


def cut(samples: Samples) -> Samples:
    """Without the silence behind the last word."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > AUDIBLE)
    return samples[: int(loud[-1]) + 1]


def turned(sides: tuple[Side, ...], number: int) -> tuple[Side, ...]:
    """Another first one in every round."""
    first = number % len(sides)
    return sides[first:] + sides[:first]


def begins(
    report: Report,
    stage: Stage,
    taken: dict[str, list[Greeted]],
    what: str,
    *,
    targets: tuple[float | None, float | None],
) -> None:
    """The rows about the beginning of a call."""
    ours, hand, model = (taken[side.name] for side in stage.sides)
    for subject, pick in (
        (f"{what}: answer to greeting", lambda one: one.answer),
        (f"{what}: INVITE to greeting", lambda one: one.invite),
    ):
        bounds = targets if "answer" in subject else (None, None)
        own = list(map(pick, ours))
        report.add(subject, "s", own, rival=HAND, theirs=list(map(pick, hand)), target=bounds[0])
        report.add(subject, "s", own, rival=MODEL_GREETS, theirs=list(map(pick, model)), target=bounds[1])
    for words, count in (("holes > 60 ms in", holes_of), ("recognisable of", recognisable)):
        report.add(f"{what}: {words} the greeting", "", count(ours), rival=HAND, theirs=count(hand))


def holes_of(taken: list[Greeted]) -> list[float]:
    """How many holes each greeting had that could be recognised."""
    return [float(one.holes) for one in taken if one.holes is not None]


def recognisable(taken: list[Greeted]) -> list[float]:
    """1 for each greeting that could be recognised, else 0."""
    return [float(one.holes is not None) for one in taken]
