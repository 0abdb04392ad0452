"""The tap's catalogue, and the paths of fields in schemas and rows."""

from __future__ import annotations

from tap_atlassian_marketplace.tap import TapAtlassianMarketplace


def catalog():
    return {entry["stream"]: entry for entry in TapAtlassianMarketplace(validate_config=False).catalog_dict["streams"]}


def walk(schema, path=""):
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from walk(inner, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")


def paths(value, path=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.{name}"
            yield from paths(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{path}[]")
