"""One plain HTML page: no script, nothing from elsewhere, never stored."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}"
    "button,input{font:inherit;padding:.6rem 1.2rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem .3rem 0}"
)


def page(title: str, body: str, *, status: int = 200) -> HTMLResponse:
    """A page; `body` is HTML, its texts escaped already."""
    head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
    document = (
        f"<!doctype html><html lang='de'><head>{head}<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(document, status_code=status, headers=HEADERS)
