"""The transport that the settings ask for."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeAlias

from marketplace_singer import SettingsError, web_address
from target_journy.mapping_file import MappingError, listed, unsets
from target_journy.transports.http import Manners
from target_journy.transports.journy import DEFAULT_URL, JournyRest
from target_journy.transports.segment import JOURNY_URL, SEGMENT_URLS, WHERE_TO_FIND_THE_KEY, Segment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from marketplace_http import EndsWaiting
    from target_journy.mapping_file import MappingFile

Door: TypeAlias = "JournyRest | Segment"

DELIVERY_TRIES = 8
"""How often a call is made that meets a busy server or a broken connection."""

_ANY_KEY = {"api_key": "any", "write_key": "any"}

_ONLY_REST = {
    ("null_policy", "unset"): "delete a property; choose keep",
    ("memberships", "sync"): "end a membership; choose add or none",
    ("deletes", "hard"): "delete an account or user; choose soft or none",
}


def open_door(config: Mapping[str, Any], *, stop: EndsWaiting | None = None, tries: int = DELIVERY_TRIES) -> Door:
    """The transport behind the settings.

    Args:
        config: The settings.
        stop: Ends all waiting.
        tries: How often a failing call is made.

    Raises:
        SettingsError: The key or the address cannot be one, or a setting asks for what the transport cannot do.
    """
    name = str(config.get("transport") or "journy")
    manners = Manners(
        user_agent=f"target-journy/{version('target-journy')}",
        timeout=float(config.get("timeout") or 60),
        requests_per_minute=int(config.get("requests_per_minute") or 1800),
        parallel=parallel_calls(config),
        tries=tries,
        stop=stop,
    )
    if name == "journy":
        key = _key(config, "api_key", "keys are made in journy.io under Settings, API access")
        return JournyRest(key, _address(config, DEFAULT_URL, "api_key"), manners)
    for (setting, value), what in _ONLY_REST.items():
        if config.get(setting) == value:
            raise SettingsError(
                f"setting {setting!r}: {value} needs the transport journy. The Segment protocol, which the setting "
                f"'transport' asks for with {name}, cannot {what}"
            )
    key = _key(config, "write_key", WHERE_TO_FIND_THE_KEY[name])
    usual = JOURNY_URL if name == "journy_segment" else SEGMENT_URLS[config.get("segment_region") or "us"]
    return Segment(name, key, _address(config, usual, "write_key"), manners)


def refuse_unsayable(config: Mapping[str, Any], mapping: MappingFile, own: Collection[str]) -> None:
    """See that a mapping asks for nothing that the transport cannot do.

    A preset may: it has to serve all transports, and what one cannot do is quarantined with the reason.

    Args:
        config: The settings.
        mapping: The whole mapping.
        own: The streams that the user mapped.

    Raises:
        MappingError: It does.
    """
    transport = config.get("transport") or "journy"
    if transport == "journy":
        return
    for stream in sorted(own):
        spec = mapping.streams[stream]
        if any(map(unsets, listed(spec.account))) or any(map(unsets, listed(spec.user))):
            raise MappingError(
                f"setting 'mapping': stream {stream!r} has null_policy: unset, which needs the transport journy. The "
                f"Segment protocol, which the setting 'transport' asks for with {transport}, cannot delete a property"
            )


def destination_of(config: Mapping[str, Any], door: Door) -> str:
    """What the ledger calls the place that is delivered to: transport, host and port, workspace."""
    return " ".join(filter(None, [door.destination, config.get("workspace")]))


def destination_in(config: Mapping[str, Any]) -> str:
    """The place that the settings lead to, as the ledger calls it; that does not depend on a key.

    Raises:
        SettingsError: The address cannot be one, or a setting asks for what the transport cannot do.
    """
    door = open_door({**config, **_ANY_KEY})
    try:
        return destination_of(config, door)
    finally:
        door.close()


def parallel_calls(config: Mapping[str, Any]) -> int:
    """How many calls are made at once."""
    return int(config.get("max_parallel_requests") or 8)


def _key(config: Mapping[str, Any], setting: str, where: str) -> str:
    key = str(config.get(setting) or "").strip()
    if not key:
        raise SettingsError(f"setting {setting!r} is missing: {where}")
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"setting {setting!r}: it has characters that no key has; was it copied whole and alone?")
    return key


def _address(config: Mapping[str, Any], usual: str, credential: str) -> str:
    return web_address("api_url", str(config.get("api_url") or usual).strip(), usual=usual, credential=credential)
