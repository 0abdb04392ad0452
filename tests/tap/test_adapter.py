"""What is private in the SDK is used by one module a package at most, which the tests of all allowed versions run."""

from __future__ import annotations

import ast
import inspect
import re

import pytest
from scripts.setup import PACKAGES, ROOT
from singer_sdk import Sink, Stream, Tap, Target
from singer_sdk.contrib.msgspec import MsgSpecReader, MsgSpecWriter

ADAPTERS = {
    "marketplace-singer": "marketplace_singer/sdk.py",
    "tap-atlassian-marketplace": "tap_atlassian_marketplace/sdk.py",
}
"""The module of each package that may; the others go through these."""


def private_names(package):
    """The attributes and methods that begin with an underscore, of the SDK's classes that a package can meet."""
    of_taps, of_targets = (Stream, Tap, MsgSpecWriter), (Sink, Target, MsgSpecReader)
    kinds = {"tap-atlassian-marketplace": of_taps, "marketplace-singer": (*of_taps, *of_targets)}
    classes = [kind for each in kinds.get(package, of_targets) for kind in each.__mro__]
    found = set()
    for kind in classes:
        if kind.__module__.startswith("singer_sdk"):
            found |= set(vars(kind)) | set(re.findall(r"\bself\.(\w+)", inspect.getsource(kind)))
    return {name for name in found if is_private(name)}


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def used(path, names):
    """What a module reads, sets, overrides or declares of these names, and what is private that it imports.

    Classes that derive from nothing have such names of their own.
    """
    found, imported = set(), set()
    tree = ast.parse(path.read_text("utf-8"))
    plain = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and not node.bases]
    own = {id(node) for kind in plain for node in ast.walk(kind) if is_of_self(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in own:
            found.add(node.attr)
        elif isinstance(node, ast.ClassDef) and node.bases:
            targets = [each for line in node.body if isinstance(line, ast.Assign) for each in line.targets]
            targets += [line.target for line in node.body if isinstance(line, ast.AnnAssign)]
            found |= {line.name for line in node.body if isinstance(line, (ast.FunctionDef, ast.AsyncFunctionDef))}
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "singer_sdk":
            imported |= {part for part in node.module.split(".") if is_private(part)}
            imported |= {alias.name for alias in node.names if is_private(alias.name)}
        elif isinstance(node, ast.Import):
            names_of = [alias.name.split(".") for alias in node.names]
            imported |= {part for first, *parts in names_of if first == "singer_sdk" for part in parts}
    return (found & names) | {name for name in imported if is_private(name)}


def is_of_self(node):
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


@pytest.mark.parametrize("package", PACKAGES)
def test_only_the_adapter_knows_what_is_private(package):
    names, folder = private_names(package), ROOT / package
    adapter = folder / ADAPTERS[package] if package in ADAPTERS else None
    modules = [path for path in folder.rglob("*.py") if path != adapter and "build" not in path.parts]
    assert modules
    assert {path.name: used(path, names) for path in modules if used(path, names)} == {}


@pytest.mark.parametrize(
    ("package", "some"),
    [
        ("marketplace-singer", {"_classproperty", "_ConfigInput", "_env_var_config", "_process_record_message"}),
        ("tap-atlassian-marketplace", {"_stream_version", "_write_activate_version_message", "_validate_config"}),
    ],
)
def test_the_adapters_are_seen_to_do_so(package, some):
    assert used(ROOT / package / ADAPTERS[package], private_names(package)) >= some


@pytest.mark.parametrize(
    "line",
    [
        "from singer_sdk.helpers._classproperty import classproperty",
        "from singer_sdk.plugin_base import _ConfigInput",
        "import singer_sdk.helpers._util",
        "class A(Target):\n    def _process_record_message(self): ...",
        "class A(Tap):\n    _validate_config = None",
        "class A(Target):\n    def a(self): self._latest_state",
        "target._latest_state",
    ],
)
def test_each_kind_of_use_is_seen(tmp_path, line):
    path = tmp_path / "module.py"
    path.write_text(line)
    assert used(path, private_names("marketplace-singer"))
