"""The command `target-journy`."""

from __future__ import annotations

from singer_sdk.exceptions import ConfigValidationError, MissingKeyPropertiesError, RecordsWithoutSchemaException

from marketplace_singer import InputError, SettingsError, run
from target_journy.dispatch import StoppedError
from target_journy.identities import RecordError
from target_journy.ledger import LedgerError
from target_journy.mapping_file import MappingError
from target_journy.target import TargetJourny
from target_journy.transports import DeliveryError


def main() -> None:
    """Run the loader."""
    run(
        TargetJourny.cli,
        (
            ConfigValidationError,
            DeliveryError,
            InputError,
            LedgerError,
            MappingError,
            MissingKeyPropertiesError,
            RecordError,
            RecordsWithoutSchemaException,
            SettingsError,
            StoppedError,
        ),
    )


if __name__ == "__main__":
    main()
