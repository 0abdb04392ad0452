"""A Meltano Hub of plain files on 127.0.0.1."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import yaml
from scripts.hub import HUB, THIRD_PARTY, kind_of
from scripts.meltano_project import PLUGIN_KINDS
from scripts.setup import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *parts: Any) -> None:
        """Say nothing."""


def definition_files() -> list[Path]:
    """The files that hold definitions, our own and those of third parties."""
    folders = (ROOT / HUB / "_data" / "meltano", ROOT / THIRD_PARTY)
    return [path for folder in folders for path in sorted(folder.glob("*/*/*.yml"))]


@contextlib.contextmanager
def hub(folder: Path) -> Iterator[str]:
    """Serve all definitions as the hub's API does, and yield the address for `MELTANO_HUB_URL`."""
    with served(folder) as url:
        _write(folder, url)
        yield url


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files of a folder, and yield the address."""
    handler = functools.partial(_Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _write(folder: Path, url: str) -> None:
    index: dict[str, dict[str, Any]] = {kind: {} for kind in PLUGIN_KINDS}
    for path in definition_files():
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        name, variant, kind = found["name"], found["variant"], kind_of(found["name"])
        if "logo_url" in found:
            found["logo_url"] = url + found["logo_url"]
        place = folder / "meltano" / "api" / "v1" / "plugins" / kind
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}--{variant}").write_text(json.dumps(found), encoding="utf-8")
        index[kind][name] = {
            "logo_url": found.get("logo_url"),
            "default_variant": variant,
            "variants": {variant: {"ref": f"{url}/meltano/api/v1/plugins/{kind}/{name}--{variant}"}},
        }
    for kind, plugins in index.items():
        (folder / "meltano" / "api" / "v1" / "plugins" / kind / "index").write_text(json.dumps(plugins))
