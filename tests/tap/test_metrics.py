"""The SDK's metrics count the records that a stream gave, whichever way they go out."""

from __future__ import annotations

import json

import pytest
from tests.tap.fake_marketplace import license_row, run, transaction_row

MAPS = {"licenses": {"id": "id", "__else__": None}, "transactions": {"__filter__": "transactionId != 'IN-2'"}}


@pytest.mark.parametrize("options", [{}, {"stream_maps": MAPS}], ids=["as they are", "by a stream map"])
def test_the_metrics_count_the_records(marketplace, caplog, options):
    marketplace([license_row(number) for number in range(3)], [transaction_row(number, 1) for number in range(4)])
    with caplog.at_level("INFO", "singer_sdk.metrics"):
        output = run(**options)
    points = [json.loads(line.partition("METRIC: ")[2]) for line in caplog.messages if "METRIC: " in line]
    counts = {}
    for point in points:
        if point["metric"] == "record_count":
            stream = point["tags"]["stream"]
            counts[stream] = counts.get(stream, 0) + point["value"]
    written = {stream: len(output.records(stream)) for stream in counts}
    assert written == {"licenses": 3, "contacts": 9, "transactions": 3 if options else 4}
    # A record that a stream map leaves out is one that the stream gave all the same.
    assert counts == {"licenses": 3, "contacts": 9, "transactions": 4}
    assert {point["tags"]["status"] for point in points if point["metric"] == "sync_duration"} == {"succeeded"}
