"""A mapping that is wrong says in which line, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from target_journy.loader import Loader
from target_journy.mapping import compile_streams
from target_journy.mapping_file import MappingError
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.runs import World

HEAD = """\
# our own customers
streams:
  clients:
    key: id
    account:
      id: id
      properties:
"""


def said_about(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(MappingError) as error:
        compile_streams(load_mapping(None, str(path))[0], load_mapping(None, str(path)).places)
    return str(error.value).replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("streams:\n  a: [", "setting 'mapping': the file 'FILE' is no YAML, line 2"),
        (
            HEAD + "        name: name\n        name: title\n",
            "setting 'mapping': the file 'FILE' names 'name' on line 8 and again on line 9",
        ),
        (
            HEAD + "        size:\n          value: size\n          typ: number\n",
            (
                "setting 'mapping': FILE, line 10: streams.clients.account.properties.size.typ: "
                "Object contains unknown field `typ`; did you mean 'type'?"
            ),
        ),
        (
            HEAD + "        size: {constant: 1, value: size}\n",
            (
                "setting 'mapping': FILE, line 8: streams.clients.account.properties.size: "
                "Object needs exactly one of `value`, `constant` and `template`"
            ),
        ),
        (
            "streams:\n  clients:\n    account: {id: id}\n",
            "setting 'mapping': FILE, line 2: streams.clients: Object missing required field `key`",
        ),
        (
            HEAD + "        name: name\n        x: join(\n",
            "FILE, line 9: stream 'clients', account.properties.x: 'join(' is no JMESPath expression",
        ),
        (
            (
                "streams:\n  a:\n    key: id\n    event:\n    - {id: id, time: at, account: {id: id}, other_name: x}\n"
                "    - id: id\n      account: {id: id}\n      time: at\n      other_name: y\n      when: a >\n"
            ),
            "FILE, line 10: stream 'a', event[2].when: 'a >' is no JMESPath expression",
        ),
        (
            "streams:\n  a:\n    key:\n    - b\n    - template: always\n",
            "FILE, line 5: stream 'a', key[2]: the template 'always' has no place such as {name}",
        ),
        (
            "streams:\n  a:\n    key: id\n    account:\n      id: {template: '{x}', type: string}\n",
            ("setting 'mapping': FILE, line 5: streams.a.account.id.type: Object contains unknown field `type`"),
        ),
    ],
)
def test_the_line_is_named(tmp_path: Path, text: str, says: str) -> None:
    assert said_about(tmp_path / "mapping.yml", text).startswith(says)


def test_a_field_that_the_stream_lacks(fake: World, tmp_path: Path) -> None:
    path = tmp_path / "mapping.yml"
    path.write_text(HEAD + "        name: name\n        size: {template: '{sise} seats'}\n")
    loader = Loader(fake.config(mapping=str(path)))
    with pytest.raises(MappingError) as error:
        loader.open_stream("clients", {"properties": {name: {} for name in ("id", "name", "size")}}, ["id"])
    loader.close()
    assert str(error.value) == (
        f"{path}, line 9: stream 'clients', account.properties.size: the stream has no field 'sise'; "
        "did you mean 'size'?"
    )
    assert fake.door.take_calls() == []


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("key: {template: '{id}-{nmae}'}", "key"),
        ("key: [id, {template: '{nmae}'}]", "key[2]"),
        ("version: {template: '{nmae}Z'}", "version"),
        ("account: {id: {template: 'x-{nmae}'}}", "account.id"),
        ("user: {id: {template: '{nmae}'}}", "user.id"),
        ("user: {email: {template: '{nmae}@acme.com'}}", "user.email"),
        ("membership: {slot: id, account: {id: id}, user: {template: '{nmae}'}}", "membership.user"),
        ("event: {id: id, user: id, other_name: x, time: {template: '{nmae}'}}", "event.time"),
    ],
)
def test_a_field_that_the_stream_lacks_in_a_template_of_an_id(
    fake: World, tmp_path: Path, line: str, place: str
) -> None:
    path = tmp_path / "mapping.yml"
    key = "" if line.startswith("key") else "    key: id\n"
    path.write_text(f"streams:\n  clients:\n{key}    {line}\n")
    loader = Loader(fake.config(mapping=str(path)))
    with pytest.raises(MappingError) as error:
        loader.open_stream("clients", {"properties": {"id": {}, "name": {}}}, ["id"])
    loader.close()
    number = path.read_text().splitlines().index(f"    {line}") + 1
    assert str(error.value) == (
        f"{path}, line {number}: stream 'clients', {place}: the stream has no field 'nmae'; did you mean 'name'?"
    )
    assert fake.door.take_calls() == []


def test_an_anchor_that_contains_itself_is_no_mapping(tmp_path: Path) -> None:
    assert "is nested too deep on line 1" in said_about(tmp_path / "mapping.yml", "streams: &a\n  b: *a\n")
