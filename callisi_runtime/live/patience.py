"""How long the watchdog waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the watchdog waits for what; in seconds."""

    beat: float = 1.75
    """Without a beat, until a process counts as hung. Healthy calls were seen 1 s late under load."""
    own_lag: float = 0.25
    """By which the watchdog itself may be late until it blames the machine, and not the call."""
    first_hello: float = 3.0
    """From a dispatch to its process's hello, for the first one: a slow successor is better than two."""
    hello: float = 1.5
    """The same for every further one."""
    replaced: float = 3.0
    """For the process that threw another one out of the room, before a successor is sent."""
    dispatches: int = 10
    """How many, in one rescue, until the caller goes to the emergency number."""
    dispatches_without: int = 40
    """The same where there is no such number: a worker that is restarting is the only hope."""
    rescues: int = 4
    """Of one call: a call that kills every process is given up."""
    unreachable: float = 600.0
    """For a LiveKit server that does not answer: its callers may still be on the line."""
    young: float = 3.0
    """Age of a call until which its caller's leg may not be in the room yet."""
    transfer: float = 40.0
    """For the carrier to accept the caller of a lost call."""
    pause: float = 0.5
    """Between two questions that found no answer."""
    idle: float = 20.0
    """Without a call and without a worker, until the watchdog ends."""
