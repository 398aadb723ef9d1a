"""Lines that begin with `/`: what happens besides speech."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from callisi_runtime.errors import UsageError
from callisi_runtime.flow import events as on
from callisi_runtime.rehearse.providers import MODES, NAMES, Mode, Providers, parse_seconds
from callisi_runtime.rehearse.staff import BEHAVIOURS, CONDUCT, Staff

if TYPE_CHECKING:
    from callisi_runtime.rehearse.rehearsal import Rehearsal

KEYS = "0123456789*#"


@dataclass(frozen=True, slots=True)
class Act:
    """One act: how it is written, what it means, and what it does."""

    usage: str
    meaning: str
    do: Callable[[Rehearsal, str], Awaitable[None]]
    check: Callable[[str], object] = str
    """Refuses what it cannot do with, before anything is played: a UsageError."""


async def hang_up(rehearsal: Rehearsal, rest: str) -> None:
    """The caller hangs up when it would be their turn, or right after `/wait`."""
    if not rehearsal.just_waited():
        await rehearsal.until_turn()
    await rehearsal.hang_up()


async def wait(rehearsal: Rehearsal, rest: str) -> None:
    """Time passes."""
    await rehearsal.wait(parse_seconds(rest))


async def press(rehearsal: Rehearsal, rest: str) -> None:
    """The caller presses keys."""
    if not rehearsal.just_waited():
        await rehearsal.until_turn()
    for key in _keys(rest):
        await rehearsal.press(key)


async def staff(rehearsal: Rehearsal, rest: str) -> None:
    """The staff's telephones, and the people who hold them."""
    word, _, more = rest.partition(" ")
    if word == "press":
        await _staff_press(rehearsal, _keys(more.strip()))
    elif word == "say":
        await _staff_say(rehearsal, more.strip())
    elif word in ("hangup", "hang-up"):
        await _staff_hang_up(rehearsal)
    else:
        _staff_behave(rehearsal, rest)
    await rehearsal.settle()


def _staff_behave(rehearsal: Rehearsal, text: str) -> None:
    target, behaviour = rehearsal.cast.staff.set(text)
    refuse_strangers(rehearsal)
    for leg, phone in list(rehearsal.line.phones.items()):
        if phone.state in ("dialled", "rings") and target in (None, phone.target):
            rehearsal.line.change(leg, CONDUCT[behaviour])


def refuse_strangers(rehearsal: Rehearsal) -> None:
    """Raises UsageError when somebody behaves whom the file does not name."""
    there_are, named = len(rehearsal.plan.flow.ring_timeouts), rehearsal.cast.staff.highest
    if named > there_are:
        raise UsageError(f"there is no target {named}: the file names {there_are or 'none'}")


async def _staff_press(rehearsal: Rehearsal, keys: str) -> None:
    await _until_phone(rehearsal, "answered", "rings", "joined")
    for key in keys:
        found = rehearsal.line.phone_in("answered", "rings", "joined")
        if found is None:
            raise UsageError("no telephone of the staff rings, so nobody can press a key")
        leg, phone = found
        if phone.state == "rings":
            rehearsal.line.answer(leg)
            await rehearsal.wait(1.0)
        rehearsal.line.press(leg, key)
        await rehearsal.settle()


async def _staff_say(rehearsal: Rehearsal, text: str) -> None:
    await _until_phone(rehearsal, "joined")
    found = rehearsal.line.phone_in("joined")
    if found is None:
        raise UsageError("nobody of the staff is on the line")
    rehearsal.line.staff_says(text)
    rehearsal.line.talk_on(found[1], found[0])


async def _staff_hang_up(rehearsal: Rehearsal) -> None:
    found = rehearsal.line.phone_in("joined", "answered")
    if found is None:
        raise UsageError("nobody of the staff is on the line")
    rehearsal.line.leave(found[0])


async def _until_phone(rehearsal: Rehearsal, *states: str) -> None:
    """Let time run until a dialled telephone is so far."""
    while not rehearsal.line.phone_in(*states) and rehearsal.line.phone_in("dialled", "rings", "answered"):
        due = rehearsal.clock.next_at()
        if due is None:
            return
        await rehearsal.run_until(due)


async def provider(rehearsal: Rehearsal, rest: str) -> None:
    """A provider behaves differently from now on."""
    name, new = _provider_act(rest, rehearsal.cast.providers)
    rehearsal.screen.happened(rehearsal.clock.now(), f"{name} is {new} from now on")
    if name == "stt":
        rehearsal.runner.feed(on.EarsUp() if new.kind in ("up", "slow") else on.EarsDown())
    elif name == "llm" and new.kind == "up":
        rehearsal.runner.feed(on.ModelUp())
    await rehearsal.settle()


async def help_(rehearsal: Rehearsal, rest: str) -> None:
    """What can be typed."""
    for act in ACTS.values():
        rehearsal.screen.happened(rehearsal.clock.now(), f"{act.usage:<22} {act.meaning}")


def _keys(text: str) -> str:
    if not text or any(key not in KEYS for key in text):
        raise UsageError(f"{text!r} is no key of a telephone: 0-9, * and #")
    return text


def _nothing(rest: str) -> None:
    if rest:
        raise UsageError(f"nothing follows /hangup, got {rest!r}")


def _staff_act(rest: str) -> None:
    word, _, more = rest.partition(" ")
    if word == "press":
        _keys(more.strip())
    elif word == "say":
        if not more.strip():
            raise UsageError("write what is said: /staff say Guten Tag")
    elif word not in ("hangup", "hang-up"):
        Staff().set(rest)


def _provider_act(rest: str, providers: Providers) -> tuple[str, Mode]:
    name, _, mode = rest.partition(" ")
    if name not in NAMES or not mode.strip():
        raise UsageError(f"write it as /provider sms 503; providers: {', '.join(NAMES)}")
    return name, providers.set(name, mode.strip())


ACTS: dict[str, Act] = {
    "hangup": Act("/hangup", "the caller hangs up", hang_up, _nothing),
    "wait": Act("/wait 12s", "time passes", wait, parse_seconds),
    "press": Act("/press 1", "the caller presses a key", press, _keys),
    "staff": Act("/staff busy", f"how the staff's phones behave: {', '.join(BEHAVIOURS)}", staff, _staff_act),
    "staff press": Act(
        "/staff press 1", "whoever picked up presses a key; also /staff say ..., /staff hangup", staff
    ),
    "provider": Act(
        "/provider sms 503",
        f"how a provider behaves: {', '.join(NAMES)}; {MODES}",
        provider,
        lambda rest: _provider_act(rest, Providers()),
    ),
    "help": Act("/help", "this list", help_),
}
"""What follows the `/` -> the act."""


async def perform(rehearsal: Rehearsal, line: str) -> None:
    """Carry out a line that begins with `/`.

    Raises:
        UsageError: there is no such act, or it makes no sense as it is written.
    """
    act, rest = check(line)
    await act.do(rehearsal, rest)


def check(line: str) -> tuple[Act, str]:
    """The act of a line, and what follows its name; nothing is played.

    Raises:
        UsageError: there is no such act, or it makes no sense as it is written.
    """
    name, _, rest = line.removeprefix("/").strip().partition(" ")
    act = ACTS.get(name)
    if act is None:
        known = ", ".join(one.usage for one in ACTS.values())
        raise UsageError(f"there is no act {line.strip()!r}: {known}")
    act.check(rest.strip())
    return act, rest.strip()
