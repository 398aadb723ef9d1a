"""One JSON object per log line, and no words or numbers of callers in any of them."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

NUMBER = re.compile(r"(?<![A-Za-z0-9])(?<!\d[.:-])\+?\d(?:[ /()-]{0,2}\d){6,14}(?![A-Za-z0-9]|[.:-]\d)")
"""What looks like a telephone number, also between underscores, as in the name of a call's room; ids and times are
joined to letters, or to further digits by dots or colons."""
QUIET = (
    "livekit",
    "livekit.agents",
    "aiohttp",
    "httpx",
    "httpcore",
    "openai",
    "twilio",
    "asyncio",
    "sqlalchemy",
)


class JsonLines(logging.Formatter):
    """Time, level, logger, message, and the call's record where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "pid": record.process,
            "message": without_numbers(record.getMessage()),
        }
        call = getattr(record, "call", None)
        if call is not None:
            line["call"] = call
        if record.exc_info:
            line["trace"] = without_numbers(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def without_numbers(text: str) -> str:
    """The text with everything that looks like a telephone number struck out."""
    return NUMBER.sub("•••", text)


def configure_logging(level: int = logging.INFO) -> None:
    """Our own loggers at `level`, libraries from ERROR on, everything as JSON on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("callisi").setLevel(level)
    for name in QUIET:
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.propagate = True
