"""The tap's catalogue, and the paths of fields in schemas and rows."""

from __future__ import annotations

from jsonschema import Draft202012Validator, FormatChecker

from tap_atlassian_marketplace.tap import TapAtlassianMarketplace


def catalog():
    return {entry["stream"]: entry for entry in TapAtlassianMarketplace(validate_config=False).catalog_dict["streams"]}


def chosen(*streams):
    """The catalogue of some streams, all of which are selected."""
    catalog = TapAtlassianMarketplace(validate_config=False).catalog_dict
    catalog["streams"] = [entry for entry in catalog["streams"] if entry["stream"] in streams]
    for entry in catalog["streams"]:
        for each in entry["metadata"]:
            each["metadata"]["selected"] = True
    return catalog


def misfits(output):
    """What of the records of a run does not fit the schemas."""
    for stream, entry in catalog().items():
        validator = Draft202012Validator(entry["schema"], format_checker=FormatChecker())
        for record in output.records(stream):
            for error in validator.iter_errors(record):
                yield f"{stream}: {error.json_path}: {error.message[:200]}"


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


def at(value, path):
    """What a row has at a path of objects; None where it has nothing there."""
    for name in path.split(".")[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def values(value):
    """All that a row holds, however deep, but objects and lists."""
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from values(inner)
    else:
        yield value
