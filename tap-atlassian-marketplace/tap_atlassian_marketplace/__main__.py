"""The command: every expected error is one line, and no error shows credentials or people's data."""

from __future__ import annotations

import logging
import sys

from singer_sdk.exceptions import ConfigurationError, MappingError

from marketplace_singer import SettingsError
from tap_atlassian_marketplace.errors import StreamsFailedError, TapError, call_stack, in_one_line
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace
from tap_atlassian_marketplace.writing import give_up_stdout, widen_stdout


def main() -> None:
    """Run the tap; exit with 1 when it could not do all that was asked."""
    command = TapAtlassianMarketplace.cli
    logger = logging.getLogger(TapAtlassianMarketplace.name)
    widen_stdout()
    try:
        command.main()
    except StreamsFailedError as error:
        for line in error.lines:
            logger.error("%s", line)  # noqa: TRY400 - a person reads this, the traceback says nothing to them
    except (TapError, SettingsError, ConfigurationError, MappingError) as error:
        logger.error("%s", error)  # noqa: TRY400
    except Exception as error:  # noqa: BLE001 - the last resort
        logger.error("%s", in_one_line(error))  # noqa: TRY400
        logger.debug("Call stack:\n%s", call_stack(error))
    give_up_stdout()
    sys.exit(1)


if __name__ == "__main__":
    main()
