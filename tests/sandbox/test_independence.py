"""The sandbox is the truth that the tap is measured by: it knows nothing of how the tap computes."""

import ast
from pathlib import Path

import marketplace_sandbox

OWN = {"marketplace_sandbox"}
PARTS = {"marketplace_http", "marketplace_singer", "tap_atlassian_marketplace", "target_journy"}
PARTS |= {"target_atlassian_marketplace", "scripts", "tests"}


def imported(path):
    """The packages that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_no_module_imports_a_part_of_the_project_that_it_stands_in_for():
    modules = list(Path(marketplace_sandbox.__file__).parent.rglob("*.py"))
    found = {package for path in modules for package in imported(path)}
    assert found >= OWN
    assert found & PARTS == set()
