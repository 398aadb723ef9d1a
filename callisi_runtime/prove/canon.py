"""One form for all moments from which exactly the same can follow: telephones renamed, what matters no more forgotten.

That nothing which matters is forgotten is tested: from a moment and from its form, every event leads to the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from callisi_runtime.flow.model import MAX_TRANSFERS, CallState, FlowPlan, Outcome, Phase, changed
from callisi_runtime.prove.world import World

RINGING = (Phase.CONNECTING, Phase.ACCEPTING)
ANY = Outcome.NO_REPLY
"""Stands for every outcome but busy."""

SAME = {
    "noted": "moment",
    "resumed": "moment",
    "model_down": "time_over",
    "over_budget": "time_over",
    "busy": "closed",
    "no_answer": "closed",
}
"""Sentences that make no difference to what follows, by one that every file has and that stands for them."""


def canonical(plan: FlowPlan, state: CallState, world: World) -> tuple[CallState, World]:
    """The form of one moment."""
    phase = state.phase
    if phase is Phase.ENDED:
        return _ended(state, world)
    changes: dict[str, Any] = {"channel": None, "dialled": len(state.legs), "outcome": _outcome(state)}
    outer: dict[str, Any] = {}
    if not plan.ask_message:
        changes["caller_known"] = True
        changes["subject"] = state.subject and plan.ask_while_ringing
    elif state.subject and state.asking != "subject":
        changes["caller_known"] = True
    if plan.budget is not None:
        changes["over_budget"] = state.over_budget and plan.ask_message
    if not state.open or state.transfers >= MAX_TRANSFERS or state.grounded or not state.allowed:
        changes["allowed"] = ()
        changes["transfers"] = min(1, state.transfers)
    if state.evidence is not None:
        changes |= {"evidence": "served", "owed": False}
    tried = state.owed or state.evidence is not None or state.transfers > 0
    early = phase in (Phase.SCREENING, Phase.GREETING) or (phase is Phase.CONVERSING and not tried)
    if not state.able and not early and not (state.over_budget and plan.ask_message):
        changes |= {"model_up": False, "ears_up": True}
    if state.speech:
        changes["speech"] = _speech(state.speech)
        outer["speech"] = _speech(world.speech)
    if phase is Phase.CLOSING:
        changes["nudges"] = min(1, state.nudges)
    if phase is Phase.CONNECTED and not plan.returns:
        changes |= {"transfers": 0, "allowed": (), "model_up": True, "ears_up": True, "subject": False}
        outer |= {"able": True, "allowed": ()}
    if "word" not in world.timers:
        outer["brisk"] = False
    if not plan.channels:
        outer["given"] = False
    elif state.unsent or state.then == "message":
        outer["given"] = True  # the machine has a message to pass on, and must
    if world.note != "sending":
        outer["delivered"] = False
    if state.legs or world.phones:
        _rename(state, world, changes, outer)
    return changed(state, **changes), (changed(world, **outer) if outer else world)


@lru_cache(1024)
def _speech(keys: tuple[str, ...]) -> tuple[str, ...]:
    same = tuple(SAME.get(key, key) for key in keys)
    return same if len(set(same)) == len(set(keys)) else keys


def _outcome(state: CallState) -> Outcome | None:
    if state.outcome is None or state.phase not in RINGING:
        return None
    return state.outcome if state.outcome is Outcome.BUSY else ANY


def _ended(state: CallState, world: World) -> tuple[CallState, World]:
    evidence = state.evidence and "served"
    lost = world.unheard and not world.left  # the safety note goes out
    number = min(1, state.notes)
    return (
        CallState(
            phase=Phase.ENDED, caller_here=False, note=state.note, notes=number,
            owed=state.owed and not evidence, evidence=evidence,
        ),
        World(
            caller="left", note=world.note, number=min(1, world.number), closed=world.closed, over=world.over,
            owed=world.owed, greeted=True, phones=world.phones, unheard=lost,
        ),
    )  # fmt: skip


def _rename(state: CallState, world: World, changes: dict[str, Any], outer: dict[str, Any]) -> None:
    ids = [leg.id for leg in state.legs]
    ids += [phone.id for phone in world.phones if phone.id not in ids]
    names = {old: f"human-{index}" for index, old in enumerate(ids, 1)}
    if all(old == new for old, new in names.items()):
        return
    changes["dialled"] = len(ids)
    changes["legs"] = tuple(leg._replace(id=names[leg.id]) for leg in state.legs)
    changes["timers"] = _rename_timers(state.timers, names)
    outer["phones"] = tuple(phone._replace(id=names[phone.id]) for phone in world.phones)
    outer["timers"] = _rename_timers(world.timers, names)


def _rename_timers(timers: frozenset[str], names: dict[str, str]) -> frozenset[str]:
    renamed = set()
    for timer in timers:
        kind, colon, leg = timer.partition(":")
        renamed.add(f"{kind}:{names.get(leg, leg)}" if colon else timer)
    return frozenset(renamed)
