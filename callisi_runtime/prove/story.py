"""A way through the machine, told as a telephone call."""

from __future__ import annotations

from collections.abc import Mapping

from callisi_runtime.flow import effects as do
from callisi_runtime.flow import events as on
from callisi_runtime.flow.model import OUTCOME_WORDS, Outcome
from callisi_runtime.prove.graph import way_to
from callisi_runtime.prove.walk import Broken, Edge, Graph
from callisi_runtime.prove.world import World

Line = tuple[str, str]
"""Who, and what they do or say."""

EVENTS: dict[type, Line] = {
    on.PersonWanted: ("caller", "asks for a person"),
    on.Withdrawn: ("caller", "does not want to be put through after all"),
    on.CallerSpoke: ("caller", "says something"),
    on.MessageGiven: ("caller", "leaves a message"),
    on.DetailGiven: ("caller", "leaves a message, or says something new about one"),
    on.GoodbyeWanted: ("caller", "says goodbye"),
    on.CallerLeft: ("caller", "hangs up"),
    on.ModelDown: ("language model", "does not answer any more"),
    on.BudgetSpent: ("purse", "cannot pay for the language model any more"),
    on.DialsSpent: ("purse", "cannot pay for one more transfer"),
    on.ModelUp: ("language model", "answers again"),
    on.EarsDown: ("transcriber", "does not answer any more"),
    on.EarsUp: ("transcriber", "answers again"),
    on.Resumed: ("watchdog", "another process takes the call over"),
}
TIMERS = {
    "call": "the call has lasted as long as it may",
    "quiet": "the caller has been silent for long",
    "word": "it is time for a word to the caller",
    "patience": "the caller has waited long enough for a channel's word",
    "talk": "the connected call is nearly over",
    "talk_end": "the connected call has lasted as long as it may",
    "end": "the last words take too long",
    "ring": "the telephone has rung long enough",
    "accept": "nobody has pressed the key",
}


def tell(graph: Graph, broken: Broken, sentences: Mapping[str, str] | None) -> tuple[str, ...]:
    """The shortest call that breaks an invariant, as numbered lines."""
    lines: list[Line] = []
    for edge in way_to(graph, broken.node):
        lines += _step(graph.nodes[edge.source][1], edge, sentences)
    if broken.event is not None:
        world = graph.nodes[broken.node][1]
        lines += _step(world, Edge(broken.node, broken.node, broken.event, broken.effects), sentences)
        if broken.again:
            lines.append(("again", _event(world, broken.event)[1] + ", reported a second time"))
    return tuple(f"{number:>2}. {who}: {what}" for number, (who, what) in enumerate(lines, 1))


def _step(world: World, edge: Edge, sentences: Mapping[str, str] | None) -> list[Line]:
    happened = [] if isinstance(edge.event, on.Said) and edge.effects else [_event(world, edge.event)]
    done = [line for effect in edge.effects if (line := _effect(world, effect, sentences))]
    return happened + done


def _phone(world: World, leg: str) -> str:
    phone = world.phone(leg)
    return (
        f"telephone {phone.target + 1}"
        if phone is not None and phone.target >= 0
        else "a telephone given up before"
    )


def _event(world: World, event: on.Event) -> Line:
    match event:
        case on.Arrived(known, open_, allowed, funds):
            number = "shows a number" if known else "hides the number"
            hours = "" if open_ else ", outside the hours"
            hours += "" if funds else ", when the money of the day is used up"
            return (
                "caller",
                f"rings and {number}{hours}; {len(allowed) if open_ else 0} target(s) may be dialled",
            )
        case on.Said(key):
            return "agent", f"has finished `{key}`"
        case on.KeyPressed(key, leg):
            return ("caller" if leg is None else _phone(world, leg)), f"presses {key}"
        case on.LegRinging(leg):
            return _phone(world, leg), "rings"
        case on.LegAnswered(leg):
            return _phone(world, leg), "is picked up"
        case on.LegFailed(leg, outcome):
            return _phone(world, leg), f"is not reached: {outcome.value}"
        case on.LegLeft(leg):
            return _phone(world, leg), "hangs up"
        case on.NoteAccepted(number, channel):
            return channel, f"accepts message {number}"
        case on.NoteFailed(number):
            return "channels", f"every one refuses message {number}"
        case on.BudgetSpent(True):
            return "purse", "can pay for nothing more"
        case on.TimerFired(name):
            kind, _, leg = name.partition(":")
            where = f" ({_phone(world, leg)})" if leg else ""
            return "clock", TIMERS.get(kind, name) + where
    return EVENTS[type(event)]


def _effect(world: World, effect: do.Effect, sentences: Mapping[str, str] | None) -> Line | None:
    match effect:
        case do.Say(key):
            text = (sentences or {}).get(key)
            return "agent", f"„{text}“" if text else f"says `{key}`"
        case do.Instead(of, None):
            return "agent", f"does not say `{of}` any more"
        case do.Instead(of, str(key)):
            return "agent", f"says `{key}` instead of `{of}`"
        case do.Hush():
            return ("agent", "stops speaking") if world.speech else None
        case do.Listen(on_):
            return "agent", "listens and may answer" if on_ else "does not listen any more"
        case do.Ringback(on_):
            return "line", f"the ringing tone {'starts' if on_ else 'stops'} for the caller"
        case do.Dial(_, target, seconds) | do.Refer(_, target, seconds):
            return "agent", f"dials telephone {target + 1}, for {seconds} s"
        case do.Prompt(leg):
            return "agent", f"asks {_phone(world, leg)} to take the call"
        case do.Bridge(leg):
            return "line", f"the caller and {_phone(world, leg)} hear each other"
        case do.Drop(leg):
            return "agent", f"ends {_phone(world, leg)}"
        case do.Arm(number, _):
            return "ledger", f"message {number} is written down, to go out by itself"
        case do.Settle(outcome, number, send, _) if number:
            return "ledger", f"message {number} {'is due' if send else 'is cancelled'}: {_words(outcome)}"
        case do.Deliver(number):
            return "agent", f"hands message {number} to the channels"
        case do.Close(evidence):
            return "ledger", f"the obligation is closed: {evidence}"
        case do.HangUp():
            return "agent", "hangs up"
    return None


def _words(outcome: Outcome) -> str:
    return OUTCOME_WORDS.get(outcome, outcome.value)
