"""How Twilio's REST API writes identifiers, times, forms and the lists of 2010; newer lists: `twilio_pages`."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Sequence

ACCOUNT: Final = "/2010-04-01/Accounts/{AccountSid}"
USUAL_PAGE: Final = 50

Row = dict[str, Any]


def new_sid(prefix: str) -> str:
    """A new identifier, such as `TK` and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def old_time() -> str:
    """Now, as the 2010 API writes it."""
    return datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")


def new_time() -> str:
    """Now, as the newer APIs write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def old_list(request: web.Request, key: str, rows: Sequence[Row]) -> web.Response:
    """One page of a list of the 2010 API; links are paths."""
    shown, size, page, more = _cut(request, rows)

    def uri(number: int) -> str:
        return str(request.rel_url.update_query({"PageSize": str(size), "Page": str(number)}))

    return web.json_response(
        {
            key: shown,
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(shown) - 1, 0),
            "uri": uri(page),
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if more else None,
            "previous_page_uri": uri(page - 1) if page else None,
        }
    )


async def form_of(request: web.Request) -> dict[str, str]:
    """What was posted."""
    return {name: str(value) for name, value in (await request.post()).items()}


def truth(text: str) -> bool:
    """A boolean as forms carry it."""
    return text.lower() == "true"


def _cut(request: web.Request, rows: Sequence[Row]) -> tuple[Sequence[Row], int, int, bool]:
    size = min(int(request.query.get("PageSize", USUAL_PAGE)), 1000)
    page = int(request.query.get("Page", 0))
    return rows[page * size : (page + 1) * size], size, page, len(rows) > (page + 1) * size
