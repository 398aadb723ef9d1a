"""The tables. One set of statements for SQLite and PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa

from callisi_runtime.ledger.values import LIVE_STATES

meta = sa.MetaData()

version = sa.Table("callisi_version", meta, sa.Column("number", sa.Integer, nullable=False))

call = sa.Table(
    "callisi_call",
    meta,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("agent", sa.String(64), nullable=False),
    sa.Column("caller", sa.String(32), index=True),
    sa.Column("room", sa.String(256), nullable=False),
    sa.Column("started", sa.Float(53), nullable=False, index=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("phase", sa.String(32)),
    sa.Column("state", sa.JSON(none_as_null=True)),
    sa.Column("outcome", sa.String(32)),
    sa.Column("ended", sa.Float(53)),
    sa.Column("transcript", sa.JSON(none_as_null=True)),
    sa.Column("carrier_id", sa.String(64), index=True),
)

event = sa.Table(
    "callisi_event",
    meta,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("call_id", sa.String(128), sa.ForeignKey("callisi_call.id"), nullable=False, index=True),
    sa.Column("at", sa.Float(53), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
)

obligation = sa.Table(
    "callisi_obligation",
    meta,
    sa.Column("call_id", sa.String(128), sa.ForeignKey("callisi_call.id"), primary_key=True),
    sa.Column("opened", sa.Float(53), nullable=False),
    sa.Column("closed", sa.Float(53)),
    sa.Column("evidence", sa.String(24)),
    sa.Column("claimed_by", sa.String(128)),
    sa.Column("claimed_at", sa.Float(53)),
)

note = sa.Table(
    "callisi_note",
    meta,
    sa.Column("id", sa.String(192), primary_key=True),
    sa.Column("call_id", sa.String(128), nullable=False, index=True),
    sa.Column("agent", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False, server_default="callback"),
    sa.Column("escalate", sa.Float(53)),
    sa.Column("reference", sa.String(16), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("route", sa.JSON, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("step", sa.Integer, nullable=False, default=0),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("looks", sa.Integer, nullable=False, default=0),
    sa.Column("claim", sa.Integer, nullable=False, default=0),
    sa.Column("open", sa.Boolean, nullable=False, default=False),
    sa.Column("doubt", sa.Boolean, nullable=False, default=False),
    sa.Column("due", sa.Float(53), nullable=False),
    # When `due` was written. A time in the future betrays that the clock was set back.
    sa.Column("touched", sa.Float(53), nullable=False),
    sa.Column("sid", sa.String(128)),
    sa.Column("sent", sa.Float(53)),
    sa.Column("accepted", sa.Float(53)),
    sa.Column("error", sa.Text),
    sa.Column("created", sa.Float(53), nullable=False, index=True),
    sa.Column("closed", sa.Float(53)),
)

LIVE = note.c.state.in_(LIVE_STATES)
"""What a sender may still touch."""

note_due = sa.Index("callisi_note_due", note.c.due, sqlite_where=LIVE, postgresql_where=LIVE)

attempt = sa.Table(
    "callisi_attempt",
    meta,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("note_id", sa.String(192), sa.ForeignKey("callisi_note.id"), nullable=False, index=True),
    sa.Column("at", sa.Float(53), nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("what", sa.String(16), nullable=False),
    sa.Column("info", sa.Text),
)

receipt = sa.Table(
    "callisi_receipt",
    meta,
    sa.Column("note_id", sa.String(192), sa.ForeignKey("callisi_note.id"), primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    sa.Column("sid", sa.String(128), primary_key=True),
    sa.Column("status", sa.String(24), primary_key=True),
    sa.Column("code", sa.String(16)),
    sa.Column("at", sa.Float(53), nullable=False),
)

inbound = sa.Table(
    "callisi_inbound",
    meta,
    sa.Column("sid", sa.String(64), primary_key=True),
    sa.Column("at", sa.Float(53), nullable=False, index=True),
    sa.Column("sender", sa.String(64), nullable=False),
    sa.Column("body", sa.String(200), nullable=False),
    sa.Column("effect", sa.String(16), nullable=False),
    sa.Column("note_id", sa.String(192)),
)
