"""`python -m callisi_runtime.loopback`: the providers as a process of their own.

Prints one line of JSON, the environment for its clients, once every server listens; ends on SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from callisi_runtime.loopback import (
    USUAL,
    KnownPhrases,
    Loopback,
    Provider,
    Recogniser,
    ScriptedRecogniser,
    ToneVoice,
    default_voice,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m callisi_runtime.loopback", description=__doc__)
    parser.add_argument("--providers", nargs="+", choices=get_args(Provider), default=list(USUAL))
    parser.add_argument("--port", action="append", default=[], metavar="PROVIDER=PORT", type=_port)
    parser.add_argument("--voice", choices=["best", "tone"], default="best", help="tone needs no espeak-ng")
    heard = parser.add_mutually_exclusive_group()
    heard.add_argument("--say", action="append", metavar="TEXT", help="what the next utterance is heard as")
    heard.add_argument("--phrases", type=Path, metavar="FILE", help="phrases recognised by sound, one a line")
    parser.add_argument("--endpoint-silence", type=float, default=0.4, metavar="SECONDS")
    parser.add_argument("--pace", type=float, metavar="SECONDS", help="between two statuses of a message")
    parser.add_argument("--callbacks", action="store_true", help="post status callbacks, signed")
    return parser.parse_args(argv)


def _port(text: str) -> tuple[str, int]:
    provider, _, port = text.partition("=")
    return provider, int(port)


def _recogniser(given: argparse.Namespace) -> Recogniser:
    if given.phrases is not None:
        return KnownPhrases([line for line in given.phrases.read_text().splitlines() if line.strip()])
    return ScriptedRecogniser(given.say or ())


async def serve(given: argparse.Namespace) -> None:
    """Run until told to end."""
    voice = ToneVoice() if given.voice == "tone" else default_voice()
    ports = dict(given.port)
    loopback = Loopback(given.providers, voice=voice, recogniser=_recogniser(given), ports=ports)
    loopback.deepgram.endpoint_silence = given.endpoint_silence
    loopback.twilio.pace, loopback.twilio.send_callbacks = given.pace, given.callbacks
    ended = asyncio.Event()
    for end in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(end, ended.set)
    async with loopback:
        sys.stdout.write(json.dumps(loopback.environ()) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(arguments(sys.argv[1:])))
