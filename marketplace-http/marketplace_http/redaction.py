"""Keep credentials and e-mail addresses out of every text that a person or a log may see."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"

_FORMATTER = logging.Formatter()

# Only from the beginning of a word: else the time would grow with the square of a long one.
_IN_WORD = r"[^\s\"'<>\[\](),;:=&?/]"
_EMAIL = re.compile(rf"(?<!{_IN_WORD}){_IN_WORD}+@{_IN_WORD}+")
_CREDENTIAL = re.compile(r"(?i)\b(basic|bearer)\s+[a-z0-9+/=._~-]+")
_URL_PASSWORD = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@]+@")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask the given secrets, credentials in headers and URLs, and e-mail addresses in a text.

    Args:
        text: Any text, for example a message from a server.
        secrets: Values that must not appear, such as tokens; empty ones are passed over.
    """
    # The longest first: of two that begin alike, none may leave its end behind.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _CREDENTIAL.sub(rf"\1 {MASK}", text)
    text = _URL_PASSWORD.sub(rf"\1{MASK}@", text)
    return _EMAIL.sub(lambda found: found[0] if MASK in found[0] else MASK, text)


class _RedactingFilter(logging.Filter):
    def __init__(self) -> None:
        super().__init__()
        self._secrets: tuple[str, ...] = ()

    def also_mask(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(dict.fromkeys((*self._secrets, *secrets)))

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage(), self._secrets)
        record.args = None
        if record.exc_info:
            # The text of an exception is written by whoever raised it, and a formatter would append it unmasked.
            record.exc_text = redact(_FORMATTER.formatException(record.exc_info), self._secrets)
            record.exc_info = None
        return True


def redact_logs(secrets: Iterable[str]) -> None:
    """Mask the secrets in every log line of this process, whichever library writes it.

    Args:
        secrets: Tokens, keys and passwords of the plugin's configuration.
    """
    named = (logging.getLogger(name) for name in logging.root.manager.loggerDict)
    secrets = tuple(secrets)
    for handler in {handler for logger in (logging.root, *named) for handler in logger.handlers}:
        masking = next((found for found in handler.filters if isinstance(found, _RedactingFilter)), None)
        if masking is None:
            masking = _RedactingFilter()
            handler.addFilter(masking)
        masking.also_mask(secrets)
