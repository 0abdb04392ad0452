"""Run by a Python of its own: the real target-snowflake over fakesnow, fed with what the tap wrote; prints JSON.

Reads an object from standard input: `singer`, the tap's output; `config` of the loader beside the access; `views` and
`queries`, SQL to run over the rows. The rows are put in by statements of this script, because fakesnow knows no user
stage, through which the loader would load them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from pathlib import Path

import fakesnow
import snowflake.connector
import sqlalchemy
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from target_snowflake.target import TargetSnowflake

warnings.simplefilter("ignore")
PLACE = "ANALYTICS.MARKETPLACE"
PASSPHRASE = "a passphrase"
given = json.load(sys.stdin)
messages = [json.loads(line) for line in given["singer"].splitlines()]
schemas = {message["stream"]: message for message in messages if message["type"] == "SCHEMA"}
statements: list[str] = []


@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute")
def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    statements.append(statement)


def private_key(folder: str) -> str:
    key = rsa.generate_private_key(65537, 2048)
    encryption = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    path = Path(folder, "snowflake_key.p8")
    path.write_bytes(text)
    return str(path)


def take(target: TargetSnowflake, message: dict) -> str | None:
    """Let the loader process a schema; return what it says when it refuses."""
    try:
        target._process_schema_message(json.loads(json.dumps(message)))
    except Exception as refusal:  # noqa: BLE001 - what the loader raises is what is asked for
        return str(refusal)
    return None


def columns(cursor: snowflake.connector.cursor.SnowflakeCursor) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for table, name, kind in cursor.execute(
        "select table_name, column_name, data_type from ANALYTICS.information_schema.columns"
        " where table_schema = 'MARKETPLACE'"
    ).fetchall():
        found.setdefault(table, {})[name] = kind
    return found


def insert(cursor: snowflake.connector.cursor.SnowflakeCursor, stream: str, types: dict[str, str]) -> None:
    rows = [
        {**message["record"], "_sdc_extracted_at": message["time_extracted"]}
        for message in messages
        if message["type"] == "RECORD" and message["stream"] == stream
    ]
    names = [*schemas[stream]["schema"]["properties"], "_sdc_extracted_at"]
    values = ", ".join(f'r.value:"{name}"::{types[name.upper()]}' for name in names)
    cursor.execute(
        f"insert into {PLACE}.{stream} ({', '.join(names)})"
        f" select {values} from lateral flatten(input => parse_json(%s)) r",
        (json.dumps(rows),),
    )


with fakesnow.patch(), tempfile.TemporaryDirectory() as folder:
    cursor = snowflake.connector.connect(database="ANALYTICS").cursor()
    settings = {
        "account": "myorg-myaccount",
        "user": "LOADER",
        "private_key_path": private_key(folder),
        "private_key_passphrase": PASSPHRASE,
        "database": "ANALYTICS",
        "warehouse": "LOADING",
        "role": "LOADER",
        **given["config"],
    }
    first = schemas["licenses"]
    refusals = {
        "small letters": take(TargetSnowflake(config={**settings, "database": "analytics"}), first),
        "two ways to log in": take(TargetSnowflake(config={**settings, "password": ""}), first),
        "wrong passphrase": take(TargetSnowflake(config={**settings, "private_key_passphrase": "wrong"}), first),
    }
    statements.clear()
    target = TargetSnowflake(config=settings)
    refused = [take(target, schema) for schema in schemas.values()]
    made = columns(cursor)
    created = list(statements)

    statements.clear()
    later = json.loads(json.dumps(schemas["contacts"]))
    later["schema"]["properties"]["faxNumber"] = {"type": ["string", "null"]}
    refused.append(take(target, later))
    evolved = columns(cursor)["CONTACTS"]

    for stream in schemas:
        insert(cursor, stream, made[stream.upper()])
    cursor.execute(f"use schema {PLACE}")
    for view in given["views"]:
        cursor.execute(view)
    results = {name: cursor.execute(sql).fetchall() for name, sql in given["queries"].items()}

outcome = {
    "refused": refused,
    "refusals": refusals,
    "created": created,
    "columns": made,
    "altered": statements,
    "evolved": evolved,
    "results": results,
}
print(json.dumps(outcome, default=str))
