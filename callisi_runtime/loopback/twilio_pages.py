"""Lists of Twilio's newer APIs (v1, v2): a page at a time, the next one's address under `meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Sequence


def meta_page(request: web.Request, key: str, items: Sequence[Any]) -> web.Response:
    """The page of `items` that the request asks for (PageSize, Page), under `key`."""
    size, page = int(request.query.get("PageSize", 50)), int(request.query.get("Page", 0))
    more = len(items) > (page + 1) * size

    def url(number: int) -> str:
        query = {"PageSize": str(size), "Page": str(number)}
        return f"https://{request.host}{request.rel_url.update_query(query)}"

    meta = {
        "page": page,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": url(page - 1) if page else None,
        "url": url(page),
        "next_page_url": url(page + 1) if more else None,
        "key": key,
    }
    return web.json_response({key: list(items[page * size : (page + 1) * size]), "meta": meta})
