"""What is private in the SDK is used by one module, which the tests of all allowed versions go through."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter

import tap_atlassian_marketplace

FOLDER = Path(tap_atlassian_marketplace.__file__).parent
ADAPTER = FOLDER / "sdk.py"


def private_names():
    """The attributes and methods of the SDK's classes that begin with an underscore."""
    classes = [kind for each in (Stream, Tap, MsgSpecWriter) for kind in each.__mro__]
    found = set()
    for kind in classes:
        if kind.__module__.startswith("singer_sdk"):
            found |= set(vars(kind)) | set(re.findall(r"\bself\.(\w+)", inspect.getsource(kind)))
    return {name for name in found if name.startswith("_") and not name.startswith("__")}


def used(path, names):
    """The names that a module reads, sets, overrides or declares."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            targets = [each for line in node.body if isinstance(line, ast.Assign) for each in line.targets]
            targets += [line.target for line in node.body if isinstance(line, ast.AnnAssign)]
            found |= {line.name for line in node.body if isinstance(line, ast.FunctionDef)}
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found & names


def test_only_the_adapter_knows_what_is_private():
    names = private_names()
    assert used(ADAPTER, names) >= {"_stream_version", "_write_activate_version_message", "_validate_config"}
    modules = [path for path in FOLDER.rglob("*.py") if path != ADAPTER]
    assert {path.name: used(path, names) for path in modules if used(path, names)} == {}
