"""What docs/warehouses.md says of columns, types, queries and full refreshes is what a real load gives."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
import yaml
from scripts.meltano_project import VENV, users_environment
from scripts.setup import ROOT
from tests.end_to_end.conftest import Project
from tests.end_to_end.customer_tables import Customers
from tests.end_to_end.singer_file import decode, selecting
from tests.end_to_end.warehouse_document import (
    QUERIES,
    Expected,
    documented,
    documented_by_kind,
    documented_in_every_table,
    documented_keys,
    sql,
    views,
)
from tests.end_to_end.warehouses import (
    FURTHER,
    STREAMS,
    TYPES_IN_DUCKDB,
    TYPES_IN_POSTGRES,
    emitted_for_warehouses,
    run_settings,
    settings_of_the_jobs,
)

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MATCHES = "select transaction_id, line_id, license_id, multi_instance from sale_licenses"
KEYS = """
    select column_name from information_schema.key_column_usage join information_schema.table_constraints
    using (constraint_name, table_name) where constraint_type = 'PRIMARY KEY' and table_name = '{}'
    order by ordinal_position
"""


@dataclass
class Loaded:
    """A warehouse that was loaded, and refreshed after three days.

    Attributes:
        name: As the document calls it.
        query: Gives the rows of a query.
        types: Query for the columns and types of a table.
        expected: What the queries must find.
        customers: What those about customers must find.
        gone: The licence that the Marketplace deleted between the runs.
        refreshed: When the refresh began.
    """

    name: str
    query: Callable[[str], list[tuple[Any, ...]]]
    types: str
    expected: Expected
    customers: Customers
    gone: str
    refreshed: str


def query_duckdb(path: Path, text: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path)) as connection:
        return connection.execute(text).fetchall()


def query_postgres(url: str, text: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-csearch_path=marketplace") as connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []


def pass_three_days(project: Project) -> str:
    """Let three days go by, on which a licence is deleted and another gains a number that its sale has not yet.

    Returns:
        The id of the deleted licence.
    """
    world = project.sandbox.world
    before = {row["appEntitlementId"] for row in world.licenses if "appEntitlementId" in row}
    world.step(3)
    renumbered = world.ideas["gains_entitlement_number"][0]
    (sale,) = [row for row in world.transactions if row.get("addonLicenseId") == renumbered["addonLicenseId"]]
    del sale["appEntitlementId"], sale["appEntitlementNumber"]
    (gone,) = before - {row.get("appEntitlementId") for row in world.licenses}
    return str(gone)


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder, warehouse = tmp_path_factory.mktemp("loaded"), request.param
    if warehouse == "duckdb":
        name, types, path = "DuckDB", TYPES_IN_DUCKDB, folder / "marketplace.duckdb"
        settings = {"TARGET_DUCKDB_PATH": str(path), "TARGET_DUCKDB_HARD_DELETE": "true"}
        query = partial(query_duckdb, path)
    else:
        name, types = "PostgreSQL", TYPES_IN_POSTGRES
        server = request.getfixturevalue("postgres_server")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("create database documented")
        url = server.replace("/postgres?", "/documented?")
        settings = {"TARGET_POSTGRES_SQLALCHEMY_URL": url.replace("postgresql:", "postgresql+psycopg:")}
        query = partial(query_postgres, url)

    with running(customers=20) as sandbox:
        project = Project(folder, sandbox)
        run = partial(project.run, loader=f"target-{warehouse}", **settings)
        run(f"marketplace-to-{warehouse}", **run_settings(project))
        before = emitted_for_warehouses(project)
        for view in views(warehouse):
            query(view)
        gone = pass_three_days(project)
        refreshed = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
        run(f"marketplace-to-{warehouse}", "--full-refresh", **run_settings(project))
        emissions = before, emitted_for_warehouses(project)
    return Loaded(name, query, types, Expected.among(*emissions), Customers.among(*emissions), gone, refreshed)


def test_columns_types_and_keys_are_the_documented_ones(loaded: Loaded) -> None:
    for stream in STREAMS:
        spelled = str.lower if loaded.name == "DuckDB" else str

        assert dict(loaded.query(loaded.types.format(stream))) == documented(stream, loaded.name)
        assert [row[0] for row in loaded.query(KEYS.format(stream))] == list(map(spelled, documented_keys(stream)))


def test_the_queries_find_people_and_sales(loaded: Loaded) -> None:
    results = {name: loaded.query(sql(name)) for name in QUERIES}

    loaded.expected.assert_found({**results, "sale_licenses": loaded.query(MATCHES)})
    loaded.customers.assert_found(results)
    by_account = "select s.account_id from transactions s join licenses l on l.account_id = s.account_id"
    matches = loaded.expected.matches()
    multi = {match for match in matches if match[3]}
    assert len(multi) == 2
    # Only an alias, no account id, leads from an old sale of a renumbered licence to it.
    renumbered = loaded.expected.sales_under_old_numbers()
    assert renumbered
    assert len(loaded.query(by_account)) == len(matches) - len(multi) - len(renumbered)
    assert loaded.expected.orphans()


def test_what_no_longer_holds_is_not_current(loaded: Loaded) -> None:
    held = {"accounts": loaded.customers.accounts, "segments": loaded.customers.segments}
    for table, view in (("accounts", "accounts"), ("mrr_segments", "segments")):
        ((kept,),) = loaded.query(f"select count(*) from {table}")
        assert loaded.query(f"select count(*) from current_{view}") == [(len(held[view]),)]
        assert kept > len(held[view])


def test_a_full_refresh_deletes_nothing_and_shows_what_is_gone(loaded: Loaded) -> None:
    asked = sql("vanished").replace("2026-01-31 05:30:00", loaded.refreshed)

    assert [row[0] for row in loaded.query(asked)] == [loaded.gone]
    marks = [row[0] for row in loaded.query(sql("marked"))]
    count = "select count(*) from {} where _sdc_deleted_at is not null"
    counts = {stream: loaded.query(count.format(stream))[0][0] for stream in STREAMS}
    if loaded.name == "DuckDB":
        assert (marks, counts) == ([], dict.fromkeys(STREAMS, 0))
    else:
        # What the tap computes for another day than today retires nothing.
        assert (marks, counts) == ([loaded.gone], {**dict.fromkeys(STREAMS, 0), "licenses": 1, "contacts": 3})


def test_those_who_are_nobodys_contact_can_be_deleted(loaded: Loaded) -> None:
    """The last one: it changes what was loaded."""
    for statement in sql("forget").split(";"):
        loaded.query(statement)
    day = max(row["as_of"] for row in loaded.customers.accounts.values())
    assert loaded.query("select count(*) from accounts") == [(len(loaded.customers.accounts),)]
    assert {str(row[0]) for row in loaded.query("select distinct as_of from people")} == {day}


@pytest.fixture(scope="module")
def python_with_snowflake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the loader of the project and fakesnow."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (loader,) = [found for found in project["plugins"]["loaders"] if found["name"] == "target-snowflake"]
    folder = tmp_path_factory.mktemp("snowflake") / "venv"
    python = folder / "bin" / "python"
    for command in (
        ["venv", "--python", VENV / "python", folder],
        ["pip", "install", "--python", python, loader["pip_url"], "fakesnow==0.12.*", "snowflake-connector-python<5"],
    ):
        subprocess.run([VENV / "uv", "--quiet", *command], check=True, env=users_environment())
    return python


def test_snowflake_gets_the_documented_tables(python_with_snowflake: Path, project: Project) -> None:
    loaders = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["loaders"]
    pass_three_days(project)
    streams = (*STREAMS, *FURTHER)
    singer = project.singer_file(streams, as_of=project.sandbox.world.today, **settings_of_the_jobs())
    emitted = decode(singer)
    assert emitted.keys() == {*streams} == {each["tap_stream_id"] for each in selecting(streams)["streams"]}
    given = {
        "singer": singer,
        "config": next(found["config"] for found in loaders if found["name"] == "target-snowflake"),
        "views": views("snowflake"),
        "queries": {name: sql(name).replace('"', "") for name in QUERIES} | {"sale_licenses": MATCHES},
    }
    script = ROOT / "tests" / "end_to_end" / "snowflake_without_account.py"
    command = [python_with_snowflake, script]
    ran = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = json.loads(ran.stdout)

    assert found["refused"] == [None] * (len(streams) + 1)
    in_every_table = documented_in_every_table("Snowflake")
    assert found["columns"] == {
        **{stream.upper(): documented(stream, "Snowflake") for stream in STREAMS},
        **{
            stream.upper(): {**documented_by_kind(emitted[stream].schema, "Snowflake"), **in_every_table}
            for stream in FURTHER
        },
    }
    keys = {stream: documented_keys(stream) for stream in STREAMS} | {each: emitted[each].keys for each in FURTHER}
    tables = [statement for statement in found["created"] if "CREATE TABLE" in statement]
    for stream, table in zip(emitted, tables, strict=True):
        assert f'"MARKETPLACE"."{stream.upper()}"' in table
        assert f"PRIMARY KEY ({', '.join(keys[stream]).lower()})" in table
    # A later schema adds its column, and does nothing else.
    changes = [statement for statement in found["altered"] if not statement.startswith("DESC")]
    assert changes == ['ALTER TABLE "ANALYTICS"."MARKETPLACE"."CONTACTS" ADD COLUMN faxnumber VARCHAR']
    assert found["evolved"] == {**found["columns"]["CONTACTS"], "FAXNUMBER": "TEXT"}
    assert "Database 'analytics' does not exist" in found["refusals"]["small letters"]
    assert "No password, private key, or OAuth token" in found["refusals"]["two ways to log in"]
    assert "could not decrypt key" in found["refusals"]["wrong passphrase"]
    for row in found["results"]["revenue"]:
        # fakesnow sums decimals as floating-point numbers.
        row[6] = round(row[6], 2)
    Expected.among(emitted).assert_found(found["results"])
    Customers.among(emitted).assert_found(found["results"])
