"""The rows decoded and encoded again by msgspec, and nothing else: the limit for a tap in Python.

`python msgspec_limit.py URL` reads the synchronous export.
"""

from __future__ import annotations

import gc
import sys

import msgspec
import requests
from benchmarks.licence_server import REPORTS


def main() -> None:
    """Fetch the synchronous export and write its rows, one a line."""
    gc.disable()  # it would look at all rows again and again
    content = requests.get(f"{sys.argv[1]}{REPORTS}/licenses/export", timeout=600).content
    encoder, line = msgspec.json.Encoder(), bytearray()
    for row in msgspec.json.decode(content):
        encoder.encode_into(row, line)
        line += b"\n"
        sys.stdout.buffer.write(line)


if __name__ == "__main__":
    main()
