"""The box around the line: namespaces for network and processes, which end with everything inside."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BRIDGE = "10.77.0.1"
"""Where the SIP bridge and the LiveKit server are."""
CARRIER = "10.77.0.11"
"""The telephone that calls in: the only address that the inbound trunk believes."""
STAFF = "10.77.0.12"
"""The telephone that the outbound trunk leads to."""
COLLEAGUE = "10.77.0.13"
"""A second one, for another phone program."""
NOBODY = "10.77.0.14"
"""An address of this network that no machine has."""
NETWORK = "10.77.0.0/24"
INTERFACE = "callisi0"

BINARIES = ("livekit-server", "livekit-sip", "redis-server", "ip", "unshare")
"""What a line is made of. `baresip` and `sipp` are wanted only by the tests that ring them."""
INSIDE = "CALLISI_LINE_BOX"
"""The environment variable that names the folder of the run; set inside the box."""


def missing_binaries(*wanted: str) -> list[str]:
    """Those of `wanted` (default: all of `BINARIES`) that are not on PATH."""
    return [name for name in wanted or BINARIES if shutil.which(name) is None]


def why_not(*also: str) -> str:
    """Why no call can be placed here, in a clause that says what to do; empty when it can.

    `also` names further programs that a test needs.
    """
    if missing := missing_binaries(*BINARIES, *also):
        return f"not on PATH: {', '.join(missing)}"
    if not os.environ.get(INSIDE):
        return "outside the line's network namespace; run `make line`"
    return ""


def enclose(command: list[str]) -> list[str]:
    """`command` as process 1 of new namespaces; needs no root where the system lets users have their own."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", "--pid", "--fork", "--kill-child", "--mount-proc", *command]


def why_no_box() -> str:
    """Why this system refuses namespaces, empty when it does not."""
    if missing := missing_binaries("unshare", "ip"):
        return f"not on PATH: {', '.join(missing)}"
    tried = subprocess.run(enclose(["ip", "link"]), capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


def lay_cable() -> None:
    """Inside the box: a loopback, and one cable that carries the address of every party."""
    _ip("link set lo up")
    _ip(f"link add {INTERFACE} type veth peer name {INTERFACE}-far")
    for address in (BRIDGE, CARRIER, STAFF, COLLEAGUE):
        _ip(f"addr add {address}/24 dev {INTERFACE}")
    _ip(f"link set {INTERFACE} up")
    _ip(f"link set {INTERFACE}-far up")


@contextlib.contextmanager
def cut(address: str, tcp_port: int, udp_ports: Iterable[int]) -> Iterator[None]:
    """Inside the box: no packet to or from this TCP port of `address`, nor of these UDP ports, arrives; needs nft."""
    ports = ", ".join(map(str, sorted(udp_ports)))
    rules = [
        f"ip daddr {address} tcp dport {tcp_port} drop",
        f"ip saddr {address} tcp sport {tcp_port} drop",
        f"udp dport {{ {ports} }} drop",
        f"udp sport {{ {ports} }} drop",
    ]
    chain = "\n".join(["type filter hook input priority 0;", *rules])
    table = f"table inet cut {{\nchain input {{\n{chain}\n}}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "cut"], check=True)


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)
