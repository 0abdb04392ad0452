"""Who publishes the packages and the hub's definitions: nobody yet. Change it here, then `make docs`."""

from __future__ import annotations

import re
import sys

from scripts.setup import PACKAGES, ROOT

# The owner of the repository in lower case, which is what the hub calls a variant.
VARIANT = "marketplace-to-journy"
LABEL = "Marketplace to journy.io"
OWNER_URL = f"https://github.com/{VARIANT}"
REPOSITORY = f"{OWNER_URL}/marketplace-to-journy"


def with_urls(text: str, package: str) -> str:
    """Return a package's `pyproject.toml` with its addresses as they should be.

    Raises:
        ValueError: There is not exactly one table for them.
    """
    folder = f"{REPOSITORY}/blob/main/{package}"
    addresses = {
        "Documentation": f"{folder}/README.md",
        "Source": REPOSITORY,
        "Issues": f"{REPOSITORY}/issues",
        "Changelog": f"{folder}/CHANGELOG.md",
    }
    block = "".join(f'{name} = "{address}"\n' for name, address in addresses.items())
    replaced, count = re.subn(r"(?<=^\[project\.urls\]\n)(\w+ = .*\n)*", block, text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"{package}/pyproject.toml has {count} tables [project.urls], not one")
    return replaced


def only_here(text: str) -> str:
    """Return a workflow whose jobs run in the publisher's repository alone, as it should be."""
    return re.sub(r"(?<=github\.repository == ')[^']*", REPOSITORY.removeprefix("https://github.com/"), text)


def documents() -> dict[str, str]:
    """Return each `pyproject.toml` and workflow, by its path in the repository, as it should be."""
    packages = {f"{package}/pyproject.toml": package for package in PACKAGES}
    workflows = [f".github/workflows/{path.name}" for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    return {
        **{name: with_urls((ROOT / name).read_text(encoding="utf-8"), package) for name, package in packages.items()},
        **{name: only_here((ROOT / name).read_text(encoding="utf-8")) for name in workflows},
    }


def main(repository: str) -> int:
    """Return 0 only if the packages name the repository that they are published from."""
    if repository.lower() == REPOSITORY.lower():
        return 0
    print(
        f"the packages name {REPOSITORY}, but this is {repository}: say in scripts/publisher.py who you are, "
        "run `make docs`, commit, and tag that",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
