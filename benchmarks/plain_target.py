"""What a user would write instead of `target-journy`: a `RecordSink` that posts one record after the other.

Run as `python -m benchmarks.plain_target --config=ENV --input FILE`; it takes `PLAIN_TARGET_API_URL` and
`PLAIN_TARGET_API_KEY`.
"""

from __future__ import annotations

from typing import Any

import requests
from singer_sdk import RecordSink, Target
from singer_sdk import typing as th


class AccountSink(RecordSink):
    """Makes each record an account with its plain values."""

    session = requests.Session()

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:  # noqa: ARG002 - the SDK's
        """Send the record."""
        properties = {name: value for name, value in record.items() if isinstance(value, (str, int, float))}
        answer = self.session.post(
            f"{self.config['api_url']}/accounts/upsert",
            json={"identification": {"accountId": record["account_id"]}, "properties": properties},
            headers={"X-Api-Key": self.config["api_key"]},
            timeout=60,
        )
        answer.raise_for_status()


class PlainTarget(Target):
    """A target as its template has it."""

    name = "plain-target"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True), th.Property("api_key", th.StringType, required=True)
    ).to_dict()
    default_sink_class = AccountSink


if __name__ == "__main__":
    PlainTarget.cli()
