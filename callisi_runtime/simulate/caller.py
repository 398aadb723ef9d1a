"""The caller, and the language model that answers them: what they do is drawn, at any moment of the call."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Literal

from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.plan import Message
from callisi_runtime.simulate.provider import draw

if TYPE_CHECKING:
    from callisi_runtime.flow import CallState
    from callisi_runtime.simulate.room import Room
    from callisi_runtime.simulate.witness import Witness

Act = Literal[
    "asks for a person",
    "says something",
    "leaves a message",
    "withdraws",
    "says goodbye",
    "presses 1",
    "is silent",
    "hangs up",
    "the model fails",
    "the ears fail",
]
ACTS: dict[Act, int] = {
    "asks for a person": 34,
    "says something": 26,
    "leaves a message": 10,
    "withdraws": 3,
    "says goodbye": 8,
    "presses 1": 3,
    "is silent": 5,
    "hangs up": 6,
    "the model fails": 3,
    "the ears fail": 2,
}
BETWEEN = 6.0
"""Seconds between two acts, on average."""
PATIENCE = 150.0
"""Seconds after which a caller hangs up, on average."""
DEAF = (Phase.SCREENING, Phase.CONNECTED, Phase.ENDED)
RINGING = (Phase.CONNECTING, Phase.ACCEPTING)


class Caller:
    """One caller.

    Args:
        rng: Decides.
        room: The call.
        witness: Takes down what the caller wants.
        tools: What the language model may call in this agent.
    """

    def __init__(self, rng: Random, room: Room, witness: Witness, tools: frozenset[str]) -> None:
        self.rng = rng
        self.room = room
        self.witness = witness
        self.tools = tools
        self.patience = rng.expovariate(1 / PATIENCE) + 1.0
        self.silence = rng.uniform(5.0, 40.0)
        """How long a dead line is listened to."""

    async def live(self) -> None:
        """Act until the call is over."""
        loop = asyncio.get_running_loop()
        until, heard = loop.time() + self.patience, loop.time()
        while not self.room.over.is_set():
            await asyncio.sleep(self.rng.expovariate(1 / BETWEEN) + 0.05)
            if not self.room.caller_here:
                return
            if self.room.served:
                heard = loop.time()
            if loop.time() > until or loop.time() - heard > self.silence:
                self.room.caller_leaves()
                return
            self.act(draw(self.rng, ACTS))

    def act(self, act: Act) -> None:
        """Do something; what the machine cannot hear in this phase is not said to it."""
        runner = self.room.runner
        if runner is None or not self.room.served or runner.state.phase in DEAF:
            return
        state = runner.state
        match act:
            case "asks for a person":
                self._ask(state)
            case "says something":
                self._say(state)
            case "leaves a message" if "take_message" in self.tools and state.listening:
                self.witness.left_message()
                runner.take_message(Message(subject="Termin verschieben", name="Frau Weber"))
            case "withdraws" if state.phase in RINGING and state.ears_up:
                self.witness.withdrew()
                self.room.feed(on.Withdrawn())
            case "says goodbye" if state.ears_up:
                self.witness.withdrew()
                self.room.feed(on.GoodbyeWanted())
            case "presses 1":
                if not state.ears_up:
                    self.witness.wants_person()
                self.room.feed(on.KeyPressed("1"))
            case "hangs up":
                self.room.caller_leaves()
            case "the model fails":
                self.witness.note("the model fails")
                self.room.feed(on.ModelDown())
            case "the ears fail":
                self.witness.note("the ears fail")
                self.room.feed(on.EarsDown())

    def _ask(self, state: CallState) -> None:
        runner = self.room.runner
        if runner is None or not state.ears_up:
            return
        runner.heard("Ich möchte mit einem Menschen sprechen")
        if state.phase is Phase.TAKING_MESSAGE:
            self.room.feed(on.CallerSpoke())
            return
        self.witness.wants_person(late=state.phase is Phase.CLOSING)
        self.room.feed(on.PersonWanted())

    def _say(self, state: CallState) -> None:
        runner = self.room.runner
        if runner is None or not state.ears_up:
            return
        if state.phase is Phase.TAKING_MESSAGE:
            self.witness.left_message()
        runner.heard("Es geht um meine Rechnung")
        self.room.feed(on.CallerSpoke())
