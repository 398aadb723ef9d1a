"""What becomes of the caller's words: first what needs no language model, then the machine, then the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callisi_runtime.flow import Phase
from callisi_runtime.flow import events as on
from callisi_runtime.phrases import Wish, wish

if TYPE_CHECKING:
    from callisi_runtime.call.runner import CallRunner

RINGING = (Phase.CONNECTING, Phase.ACCEPTING)
DEAF = (Phase.SCREENING, Phase.CONNECTED, Phase.ENDED)
"""Phases in which the caller's words are nobody's business but the person's they talk to."""
WAITS_FOR_THE_MODEL = (Phase.GREETING, Phase.CONVERSING, Phase.NOTIFYING)


class Hearing:
    """Listens for one call.

    Args:
        runner: The call.
    """

    def __init__(self, runner: CallRunner) -> None:
        self.runner = runner
        self.unanswered = ""
        """What was said while the agent spoke; the language model gets it when it may answer again."""
        self._parts: list[str] = []
        self._granted: Wish | None = None

    def part(self, text: str) -> None:
        """A final piece of a sentence that may go on: a wish for a person, or against one, is granted at once."""
        phase = self.runner.state.phase
        if phase in DEAF or phase is Phase.TAKING_MESSAGE or self._granted:
            return
        self._parts.append(text)
        found = self._wish(" ".join(self._parts))
        if found in ("person", "withdraw"):
            self._granted = found
            self._grant(found)

    def turn(self, text: str) -> bool:
        """The caller has finished. True: the language model should answer."""
        granted, self._granted, self._parts = self._granted, None, []
        if self.runner.state.phase in DEAF or not text.strip():
            return False
        self.runner.heard(text)
        found = granted or self._wish(text)
        if found is None:
            return self._spoke(text)
        if granted is None:
            self._grant(found)
        return False

    def pending(self) -> str:
        """What waits for the language model's answer, once."""
        text, self.unanswered = self.unanswered, ""
        return text

    def _wish(self, text: str) -> Wish | None:
        transfer = self.runner.plan.spec.transfer
        found = wish(text, transfer.ask_for if transfer else ())
        phase = self.runner.state.phase
        if found == "withdraw" and phase not in RINGING:
            return None
        if found == "person" and phase is Phase.TAKING_MESSAGE:
            return None
        return found

    def _grant(self, found: Wish) -> None:
        match found:
            case "person":
                self.runner.feed(on.PersonWanted())
            case "withdraw":
                self.runner.feed(on.Withdrawn())
            case "goodbye":
                self.runner.feed(on.GoodbyeWanted())
            case "identity":
                self.runner.aside("identity", self.runner.plan.sentence("identity", self.runner.facts))

    def _spoke(self, text: str) -> bool:
        before = self.runner.state
        if not before.model_up and before.phase is Phase.CONVERSING and self.answer_fact(text):
            return False
        self.runner.feed(on.CallerSpoke())
        state = self.runner.state
        if state.listening:
            return True
        if state.phase in RINGING:
            self.answer_fact(text)
        elif state.phase in WAITS_FOR_THE_MODEL and state.model_up:
            self.unanswered = text
        return False

    def answer_fact(self, text: str) -> bool:
        """Answer from what the file declares, without the language model; whether that was possible."""
        answer = self.runner.plan.fact(text, self.runner.facts)
        if answer is None:
            return False
        self.runner.aside("fact", answer)
        return True
