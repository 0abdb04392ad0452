"""What a run would stumble over, looked for beforehand: one line for each thing, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketplace_singer import SettingsError, check_writable
from target_journy.changed_mapping import advice
from target_journy.doors import destination_in, open_door, refuse_unsayable
from target_journy.groups import groups_of, within_groups
from target_journy.ledger import LedgerError, condition_of
from target_journy.mapping import compile_streams
from target_journy.mapping_file import MappingError, fingerprint_of_stream
from target_journy.mapping_reading import load_mapping
from target_journy.settings import (
    DEFAULT_LEDGER,
    DEFAULT_REJECTED,
    EMPTY_LEDGER,
    first_event_date,
    may_be_empty,
    property_groups,
    report_files,
)
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from target_journy.ledger.stream_mappings import StreamMapping
    from target_journy.mapping_file import MappingFile

_PARTS = {"account": "accounts", "user": "users", "membership": "memberships", "event": "events"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing.

    Attributes:
        grade: `ok`, `note` for what is good to know, or `wrong` for what would end a run.
        text: What there is to say; neither a credential nor anybody's data.
    """

    grade: str
    text: str

    def __str__(self) -> str:
        return f"{self.grade}: {self.text}"


def examine(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Look at mapping, key, ledger and files; nothing is sent but the question whether the key works.

    Args:
        config: The settings.
    """
    yield from dict.fromkeys(_findings(config))  # what is wrong with the address ledger and key would tell twice


def _findings(config: Mapping[str, Any]) -> Iterator[Finding]:
    mapping = None
    try:
        mapping, own = _mapping(config)
        refuse_unsayable(config, mapping, own)
        yield _what_is_mapped(mapping, config)
    except (MappingError, SettingsError) as error:
        yield Finding("wrong", str(error))
    yield _key(config)
    yield from _ledger(config, mapping)
    yield from _files(config)


def _mapping(config: Mapping[str, Any]) -> tuple[MappingFile, frozenset[str]]:
    """The mapping, and the streams in it that the user mapped."""
    loaded = load_mapping(config.get("preset"), config.get("mapping"))
    mapping = within_groups(loaded.mapping, property_groups(config, groups_of(loaded.mapping)))
    compile_streams(mapping, loaded.places)
    return mapping, loaded.own


def _what_is_mapped(mapping: MappingFile, config: Mapping[str, Any]) -> Finding:
    unknown = config.get("unknown_streams") or "skip"
    parts = {name for part, name in _PARTS.items() if any(getattr(spec, part) for spec in mapping.streams.values())}
    if config.get("memberships") == "none":
        parts.discard("memberships")
    if unknown == "default":
        parts.add("accounts")
    if not parts:
        return Finding("wrong", "setting 'mapping': nothing is mapped, so nothing would be sent; set it, or 'preset'")
    made = " and ".join(filter(None, [", ".join(mapping.streams), "any other stream" if unknown == "default" else ""]))
    needs = ", for which the key needs the permission to track data" if _is_rest(config) else ""
    return Finding("ok", f"the mapping makes {_listed(parts)} of {made}{needs}")


def _key(config: Mapping[str, Any]) -> Finding:
    try:
        door = open_door(config, tries=2)
        try:
            said = door.check()
        finally:
            door.close()
    except (SettingsError, DeliveryError) as error:
        return Finding("wrong", str(error))
    return Finding("ok" if _is_rest(config) else "note", said)


def _ledger(config: Mapping[str, Any], mapping: MappingFile | None) -> Iterator[Finding]:
    try:
        destination = destination_in(config)
        first_event_date(config)
        deletes = config.get("deletes") or "none"
        condition = condition_of(config.get("ledger_url") or DEFAULT_LEDGER, destination, deletes=deletes)
    except (SettingsError, LedgerError) as error:
        yield Finding("wrong", str(error))
        return
    if condition.is_empty:
        yield (
            Finding("note", f"the ledger {condition.place} is empty: the first run sends everything")
            if may_be_empty(config)
            else Finding("wrong", EMPTY_LEDGER.format(destination=destination))
        )
        return
    waits = f"; {condition.waiting} operations wait in it for the next run" if condition.waiting else ""
    yield Finding("ok", f"the ledger {condition.place} (version {condition.version}) can be read and written{waits}")
    if mapping:
        known = condition.mappings
        if changed := [stream for stream in mapping.streams if _has_changed(known.get(stream), mapping)]:
            yield Finding("note", advice(changed))


def _has_changed(known: StreamMapping | None, mapping: MappingFile) -> bool:
    return bool(known and (known.changed or known.digest != fingerprint_of_stream(mapping, known.stream)))


def _files(config: Mapping[str, Any]) -> Iterator[Finding]:
    rejected = Path(config.get("rejected_path") or DEFAULT_REJECTED)
    files = {"rejected_path": [rejected], "report_path": report_files(config) or ()}
    for setting, paths in files.items():
        for path in paths:
            if trouble := _why_not(path):
                yield Finding("wrong", f"setting {setting!r}: cannot write {str(path)!r} ({trouble})")
                break


def _why_not(path: Path) -> str | None:
    try:
        check_writable(path)
    except OSError as error:
        return error.strerror
    return None


def _is_rest(config: Mapping[str, Any]) -> bool:
    return (config.get("transport") or "journy") == "journy"


def _listed(parts: set[str]) -> str:
    words = [name for name in _PARTS.values() if name in parts]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
