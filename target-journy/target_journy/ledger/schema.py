"""The tables of the ledger. Every row belongs to a destination, so that sandbox and production never mix."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

# 1 knew no changes of values; what they are compared with stands in `data`.
# 2 did not know which record asks for what; a ledger of that kind learns it as the records come again.
# 3 did not know which accounts, users and memberships may have arrived without an answer.
VERSION = 4

metadata = MetaData()


def _destination() -> Column[int]:
    return Column("destination", Integer, ForeignKey("destinations.id"), primary_key=True)


info = Table("ledger_info", metadata, Column("version", Integer, primary_key=True))

destinations = Table(
    "destinations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),  # transport, host and port, workspace
)

# Accounts and users: the newest value of each property, its row and version, what is not acknowledged or was refused.
entities = Table(
    "entities",
    metadata,
    _destination(),
    Column("kind", String, primary_key=True),  # account | user | event, for its watched values
    Column("key", String, primary_key=True),  # account id | e-mail | event id
    Column("data", Text, nullable=False),
    Column("pending", Boolean, nullable=False),
    Column("known", Boolean, nullable=False),
    Column("rejected", Boolean, nullable=False),
)
Index("entities_pending", entities.c.destination, entities.c.kind, entities.c.pending)

# Under which account id journy.io has the licence that goes by an alias.
account_aliases = Table(
    "account_aliases",
    metadata,
    _destination(),
    Column("alias", String, primary_key=True),
    Column("account", String, nullable=False),
)

# Ids that several accounts share; a sale on one goes to the account of the smallest source.
shared_aliases = Table(
    "shared_aliases",
    metadata,
    _destination(),
    Column("alias", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("account", String, nullable=False),
)

# Who holds a role on a licence. Without an account it waits for one, under the names in `reference`.
slots = Table(
    "slots",
    metadata,
    _destination(),
    Column("slot", String, primary_key=True),
    Column("account", String),
    Column("email", String),
    Column("reference", Text),
    Column("waiting_stream", String),
    Column("waiting_run", String),
)
Index("slots_member", slots.c.destination, slots.c.account, slots.c.email)

# Which row said last who holds a role, new in version 3.
slot_rows = Table(
    "slot_rows",
    metadata,
    _destination(),
    Column("slot", String, primary_key=True),
    Column("version", String, nullable=False),  # of the row
    Column("source", String, nullable=False),  # stream and key
)

memberships = Table(
    "memberships",
    metadata,
    _destination(),
    Column("account", String, primary_key=True),
    Column("email", String, primary_key=True),
    # add | adding (it may be there) | added | remove | rejected | kept (its end was) | away (an end is)
    Column("state", String, nullable=False),
    Column("reason", Text),
)
Index("memberships_state", memberships.c.destination, memberships.c.state)

events = Table(
    "events",
    metadata,
    _destination(),
    Column("event_id", String, primary_key=True),
    Column("state", String, nullable=False),  # waiting | sending | delivered | rejected | passed
    Column("account", String),  # '' for an event of a user alone
    Column("body", Text),  # kept until it is delivered
    Column("reason", Text),
    Column("waiting_stream", String),
    Column("waiting_run", String),
)
Index("events_state", events.c.destination, events.c.state)

# Records that were dealt with for good, to know them when they come again as they were.
records = Table(
    "records",
    metadata,
    _destination(),
    Column("source", String, primary_key=True),  # stream and key
    Column("digest", String, nullable=False),
    Column("outcome", String, nullable=False),  # unchanged | skipped | rejected
)

# What a record asks for, and the version of its stream in which it came last; events are not among it, they stay.
claims = Table(
    "claims",
    metadata,
    _destination(),
    Column("source", String, primary_key=True),  # stream and key
    Column("kind", String, primary_key=True),  # account | user | slot
    Column("key", String, primary_key=True),  # account id | e-mail | slot
    Column("stream", String, nullable=False),
    Column("version", BigInteger),
    Column("state", String, nullable=False),  # live | left (the record asks for it no more) | deleted (the record is)
)
Index("claims_thing", claims.c.destination, claims.c.kind, claims.c.key)

# Streams that have been read as a whole, until an input that ends well says what is gone from them.
activations = Table(
    "activations",
    metadata,
    _destination(),
    Column("stream", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

# The mapping under which the records of each stream came last; a ledger that lacks it learns it as they come again.
stream_mappings = Table(
    "stream_mappings",
    metadata,
    _destination(),
    Column("stream", String, primary_key=True),
    Column("digest", String, nullable=False),  # '' for a stream that no mapping named
    Column("changed", String),  # UTC, ISO 8601, until all was read under it
)

# The newest runs, for people who ask what happened.
runs = Table(
    "ledger_runs",  # Meltano, whose database may be the same one, has a table `runs`
    metadata,
    _destination(),
    Column("started", String, primary_key=True),  # UTC, ISO 8601
    Column("ended", String),
    Column("result", String, nullable=False),
    Column("report", Text),  # JSON
)
