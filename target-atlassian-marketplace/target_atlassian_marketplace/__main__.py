"""The command `target-atlassian-marketplace`."""

from __future__ import annotations

from singer_sdk.exceptions import ConfigValidationError, MissingKeyPropertiesError, RecordsWithoutSchemaException

from marketplace_singer import InputError, SettingsError, run
from target_atlassian_marketplace.service import ServiceError
from target_atlassian_marketplace.target import StoppedError, TargetAtlassianMarketplace


def main() -> None:
    """Run the target."""
    run(
        TargetAtlassianMarketplace.cli,
        (
            ConfigValidationError,
            InputError,
            MissingKeyPropertiesError,
            RecordsWithoutSchemaException,
            ServiceError,
            SettingsError,
            StoppedError,
        ),
    )


if __name__ == "__main__":
    main()
