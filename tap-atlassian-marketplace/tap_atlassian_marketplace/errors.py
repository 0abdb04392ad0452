"""Errors that a person can act on; their texts hold neither credentials nor people's data."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from marketplace_singer import SettingsError, unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence


class TapError(Exception):
    """The run cannot go on; the message is one line that says what to do."""


class SpoolError(TapError):
    """Rows cannot be kept on disk."""

    @classmethod
    def no_room(cls, what: str, error: OSError) -> SpoolError:
        """Say that the files of a report's rows, or of what is computed of them, cannot be written."""
        return cls(
            f"`spool_dir`: rows of {what} cannot be kept there ({error.strerror}); make room or name another directory."
        )


class OutputError(TapError):
    """Messages cannot be written to where the loader reads them."""


class MarketplaceError(TapError):
    """The Marketplace refused a call, did not answer, or answered with something unusable."""


class CredentialsError(MarketplaceError):
    """Token or address are wrong, or the account may read nothing: no other call of the run can succeed."""


class NotPermittedError(MarketplaceError):
    """The account may not read what was asked for; other reports it may, since the permissions differ."""


class RejectedError(MarketplaceError):
    """A parameter does not suit the Marketplace; another value may."""


class TroubleError(MarketplaceError):
    """Something broke that another try, or another way to the same rows, may get round."""


class StreamsFailedError(TapError):
    """Some streams failed, the others are whole.

    Attributes:
        lines: What to tell, one line for each cause.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(" ".join(lines))
        self.lines = tuple(lines)


def in_one_line(error: BaseException) -> str:
    """Say what went wrong; of an unforeseen error, whose text may quote a row, only its kind and place."""
    return str(error) if isinstance(error, (TapError, SettingsError)) else unexpected(error)


def call_stack(error: BaseException) -> str:
    """Give the places that an error passed, without its text."""
    return "".join(traceback.format_tb(error.__traceback__))
