"""What a call costs: CPU and memory of all processes of an agent, per call talking, ringing and bridged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from benchmarks import line_calls as calls
from benchmarks.cost import Memory, cpu_share, memory
from benchmarks.stage import ASK, QUESTION, spoken
from tests.line.kit.audio import tone

if TYPE_CHECKING:
    from benchmarks.line_calls import Phones
    from benchmarks.report import Report
    from benchmarks.stage import Side, Stage
    from tests.line.kit.incoming import IncomingCall
    from tests.line.kit.outgoing import OutgoingCall

AT_ONCE = 3
"""Calls at the same time; what is measured is shared out among them."""
SETTLE = 4.0
"""Seconds until what a new call started has come to rest."""
WATCHED = 12.0
TURN = 6.0
"""Seconds from one question of a caller to the next."""
PHASES = ("talking", "ringing", "bridged")


async def cost(report: Report, stage: Stage, phones: Phones, rounds: int) -> None:
    """Idle, then talking, ringing and bridged; an agent's idle use is taken off what its calls use."""
    sides = (stage.callisi, stage.hand)
    taken: dict[tuple[str, str], list[tuple[float, Memory]]] = {}
    for number in range(max(1, rounds // 5)):
        await asyncio.sleep(SETTLE)
        for side in calls.turned(sides, number):
            idle = await look(side, 0)
            taken.setdefault(("idle", side.name), []).append(idle)
            for phase, used in (await calls_of(stage, phones, side)).items():
                each = (used[0] - idle[0]) / AT_ONCE, used[1] - idle[1]
                shared = each[0], Memory(each[1].pss / AT_ONCE, each[1].uss / AT_ONCE)
                taken.setdefault((phase, side.name), []).append(shared)
            await calls.quiet(stage)
    tell(report, taken)


def tell(report: Report, taken: dict[tuple[str, str], list[tuple[float, Memory]]]) -> None:
    """The rows."""
    cpu_targets = {"talking": 0.8, "bridged": 0.15}
    for phase in ("idle", *PHASES):
        what = "idle" if phase == "idle" else f"per call, {phase}"
        ours, theirs = taken[phase, "Callisi"], taken[phase, "hand"]
        report.add(
            f"CPU {what}",
            "% of a core",
            [one[0] for one in ours],
            rival=calls.HAND,
            theirs=[one[0] for one in theirs],
            target=cpu_targets.get(phase),
        )
        for kind in ("pss", "uss"):
            report.add(
                f"memory ({kind.upper()}) {what}",
                "MB",
                [getattr(one[1], kind) for one in ours],
                rival=calls.HAND,
                theirs=[getattr(one[1], kind) for one in theirs],
                target=None if phase == "idle" else 1.0,
            )


async def look(side: Side, rest: float = SETTLE, watched: float = WATCHED) -> tuple[float, Memory]:
    """(per cent of a core, memory) of an agent's processes now."""
    await asyncio.sleep(rest)
    (share,) = await cpu_share([side.worker.pid], watched)
    return share, memory(side.worker.pid)


async def calls_of(stage: Stage, phones: Phones, side: Side) -> dict[str, tuple[float, Memory]]:
    """Three calls go through all phases together."""
    used: dict[str, tuple[float, Memory]] = {}
    async with contextlib.AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(calls.greeted_call(phones, side)) for _ in range(AT_ONCE)]
        stage.ears.words = QUESTION
        talking = [asyncio.create_task(talk(calling)) for calling in callers]
        used["talking"] = await look(side)
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
        await asyncio.sleep(SETTLE)
        legs = await ring(stage, phones, callers)
        used["ringing"] = await look(side, 1.0, 8.0)
        await bridge(stage, side, callers, legs)
        used["bridged"] = await look(side)
    return used


async def talk(calling: OutgoingCall) -> None:
    """Ask, listen to the answer, ask again."""
    question = calls.cut(spoken(QUESTION))
    while True:
        begun = time.monotonic()
        await calling.play(question)
        await asyncio.sleep(begun + TURN - time.monotonic())


async def ring(stage: Stage, phones: Phones, callers: list[OutgoingCall]) -> list[IncomingCall]:
    """Every caller asks for a person; the telephones ring."""
    stage.ears.words = ASK
    legs = []
    for calling in callers:
        leg, _, _ = await calls.asks_for_a_person(stage, phones, calling)
        leg.ring()
        legs.append(leg)
    return legs


async def bridge(stage: Stage, side: Side, callers: list[OutgoingCall], legs: list[IncomingCall]) -> None:
    """The persons answer, accept where they are asked to, and talk."""
    for leg in legs:
        await leg.answer()
    if side is stage.callisi:
        await asyncio.sleep(2.0)
        for leg in legs:
            await leg.press("1")
    for calling, leg in zip(callers, legs, strict=True):
        calling.background(tone(calls.SIGNS["caller"]))
        leg.background(tone(calls.SIGNS["staff"]))
    for calling in callers:
        await calls.sign(calling, "staff", time.monotonic())
