"""How many calls a worker takes: what is too much is refused before it is answered, and the carrier's route has it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING

from callisi_runtime.live.seat import attributes_of, epoch_in, identity_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from livekit.agents import AgentServer, JobRequest

log = logging.getLogger("callisi.worker")

MOST_LOAD = 0.5
"""What a worker with as many calls as planned reports: from about 0.7 on LiveKit's server asks it no more."""


class Admission:
    """Takes calls up to the plan's figure and refuses the others before they are answered; a rescue is never refused.

    Args:
        limit: Calls at a time.
        name: What the agent is called in the room.
    """

    def __init__(self, limit: int, name: str) -> None:
        self.limit = limit
        self.name = name
        self.refused = 0
        self.server: AgentServer | None = None
        self._coming = 0
        self._over: set[str] = set()
        """Jobs whose call is over and whose process is not."""

    @property
    def calls(self) -> int:
        """Calls that this worker has, those included that it has just taken."""
        jobs = {info.job.id for info in self.server.active_jobs} if self.server is not None else set()
        self._over &= jobs
        return self._coming + len(jobs - self._over)

    @property
    def load(self) -> float:
        """What LiveKit chooses the least busy worker by: at 1 it would ask no more, not even for a rescue."""
        return MOST_LOAD * min(1.0, self.calls / self.limit)

    async def decide(self, request: JobRequest) -> None:
        """Take a call, or leave it to the carrier's own route."""
        epoch = epoch_in(request.job.metadata)
        if not epoch and self.calls >= self.limit:
            self.refused += 1
            log.warning("a call is refused: there are %d already", self.limit)
            await request.reject()
            return
        self._coming += 1
        try:
            identity, attributes = identity_of(request.id), attributes_of(epoch)
            await request.accept(name=self.name, identity=identity, attributes=attributes)
        finally:
            self._coming -= 1

    def over(self, job: str) -> None:
        """A call is over: its process goes as well, but that takes a second in which another caller may ring."""
        self._over.add(job)


@contextlib.asynccontextmanager
async def hear_ends(path: Path, admission: Admission) -> AsyncIterator[None]:
    """Take in what processes tell by `tell_end`."""

    class Ends(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            admission.over(data.decode(errors="replace"))

    path.unlink(missing_ok=True)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Ends, local_addr=str(path), family=socket.AF_UNIX
    )
    try:
        yield
    finally:
        transport.close()
        path.unlink(missing_ok=True)


def tell_end(path: str, job: str) -> None:
    """The call of this job is over; a worker that is gone need not know."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as teller:
        teller.setblocking(False)
        teller.sendto(job.encode(), path)
