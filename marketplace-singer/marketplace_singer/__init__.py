"""Singer manners that the plugins share: strict settings, quiet input, quarantine, progress, one line for an error.

What a record means, and where it goes, belongs to each plugin; this package only keeps the Singer SDK from guessing at
settings and from quoting data in its messages.
"""

from marketplace_singer.command import run, unexpected
from marketplace_singer.errors import SettingsError
from marketplace_singer.private_files import check_writable, open_private
from marketplace_singer.progress import HowFar, telling, told
from marketplace_singer.quarantine import Quarantine
from marketplace_singer.reading import InputError
from marketplace_singer.sdk import CheckpointingTarget, PlainSink, StrictSettings
from marketplace_singer.settings import text_list, web_address

__all__ = [
    "CheckpointingTarget",
    "HowFar",
    "InputError",
    "PlainSink",
    "Quarantine",
    "SettingsError",
    "StrictSettings",
    "check_writable",
    "open_private",
    "run",
    "telling",
    "text_list",
    "told",
    "unexpected",
    "web_address",
]
