"""The command: every expected error is one line, and no error shows credentials or people's data."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path

from singer_sdk.exceptions import ConfigurationError, MappingError

from tap_atlassian_marketplace.errors import TapError
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace


def main() -> None:
    """Run the tap; exit with 1 when it could not do all that was asked."""
    command = TapAtlassianMarketplace.cli
    logger = logging.getLogger(TapAtlassianMarketplace.name)
    try:
        command.main()
    except (TapError, ConfigurationError, MappingError) as error:
        logger.error("%s", error)  # noqa: TRY400 - a person reads this, the traceback says nothing to them
    except Exception as error:  # noqa: BLE001 - the last resort
        # The text of an unforeseen error may quote a row, so only its kind and place are told.
        logger.error("Unexpected %s at %s.", type(error).__name__, _place(error))  # noqa: TRY400
        logger.debug("Call stack:\n%s", "".join(traceback.format_tb(error.__traceback__)))
    sys.exit(1)


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


if __name__ == "__main__":
    main()
