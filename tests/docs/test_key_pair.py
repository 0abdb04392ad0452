"""The lines of docs/warehouses.md make a key pair as Snowflake takes it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from scripts.setup import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# openssl asks for the passphrase on the terminal.
ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(['bash', '-e', 'keys.sh'])))"


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl on this machine")
def test_the_keys_are_a_pair_and_the_private_one_is_encrypted(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "warehouses.md").read_text(encoding="utf-8")
    (tmp_path / "keys.sh").write_text(
        "\n".join(re.findall(r"^    (openssl .+)$", page, re.MULTILINE)), encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL],
        cwd=tmp_path,
        input=b"a passphrase\n" * 3,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

    private = load_pem_private_key((tmp_path / "snowflake_key.p8").read_bytes(), b"a passphrase")
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert (tmp_path / "snowflake_key.pub").read_bytes() == public
