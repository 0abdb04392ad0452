"""`make check`: a few small calls to each side, one line about each."""

from __future__ import annotations

import json
import sys
import tempfile
from typing import IO

from scripts.meltano_project import JOURNY, TAP, install, meltano, users_environment

SIDES = {"Marketplace": TAP, "journy.io": JOURNY}
USERS_SETTINGS = ".env"


def verdict(output: IO[str]) -> str:
    """Return the one line that matters of what Meltano and a plugin printed: its first error, else what it answers."""
    errors, plain = [], []
    output.seek(0)
    for line in filter(None, (line.strip() for line in output)):
        try:
            entry = json.loads(line)
        except ValueError:
            entry = line
        if not isinstance(entry, dict):
            plain.append(line)
        elif entry.get("level") in {"error", "critical"}:
            errors.append(str(entry.get("event")).strip())
    return errors[0] if errors else (plain or ["no answer"])[-1]


def check(plugin: str, environment: str | None) -> tuple[int, str]:
    """Let a plugin check its settings against its server.

    Returns:
        The exit code, and what there is to say.
    """
    users = users_environment()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        if install(plugin, environment=users, output=output):
            output.seek(0)
            return 1, output.read().strip()
    chosen = ["--environment", environment] if environment else []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        words = [*chosen, "invoke", plugin, "--check"]
        code = meltano(*words, environment=users, output=output, env_file=USERS_SETTINGS, log_format="json")
        return code, verdict(output)


def main(arguments: list[str]) -> int:
    """Check both sides in the Meltano environment that is named, else in the one that `.env` names."""
    codes = []
    for side, plugin in SIDES.items():
        code, line = check(plugin, arguments[0] if arguments else None)
        codes.append(code)
        print(f"{side}: {line}", flush=True)
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
