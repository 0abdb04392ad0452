"""The Segment protocol, as Segment speaks it, and journy.io at its newer door: messages in batches."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from marketplace_http import BasicAuth
from target_journy.transports import PayloadRejectedError, Receipt
from target_journy.transports.http import HttpDoor
from target_journy.transports.segment_messages import CollectedMessages, SegmentMessages
from target_journy.values import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_journy.transports.http import Manners

JOURNY_URL = "https://analyze.journy.io/backend"
SEGMENT_URLS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
BATCH_PATH = "/v1/batch"
MAX_MESSAGES = 2500
"""Messages of a batch; Segment loses all of a larger one."""
MAX_BYTES = 475_000
"""Bytes of the messages of a batch: the limit is 500 kB, and what is around them counts."""

WHERE_TO_FIND_THE_KEY = {
    "journy_segment": "it stands in journy.io under Connections, API/SDK connector, at the source",
    "segment": "it stands in Segment at the source, under Settings, API Keys",
}


class Segment(HttpDoor, SegmentMessages):
    """A source at Segment, or at journy.io's door for the same protocol.

    Args:
        name: `segment` or `journy_segment`.
        write_key: The key of the source.
        api_url: Where it is, without `/v1`.
        manners: How calls are made.
    """

    def __init__(self, name: str, write_key: str, api_url: str, manners: Manners) -> None:
        HttpDoor.__init__(self, name, api_url, BasicAuth(write_key, ""), write_key, manners)
        SegmentMessages.__init__(self, sha256(f"{self.destination} {write_key}".encode()).hexdigest())
        self._write_key = write_key

    def check(self) -> str:
        """Send a batch of nothing: whether the key is known Segment does not tell.

        Raises:
            DeliveryError: The server refuses the key, or does not answer.
        """
        with suppress(PayloadRejectedError):  # because there is nothing in it; so it was read
            self.take([])
        return (
            f"{self.destination} answers. Whether the write key is right it may not say: load a little and look at the "
            "debugger of the source"
        )

    def collector(self) -> CollectedMessages:
        """What writes the same messages, and keeps them, for a batch."""
        return CollectedMessages(self._scope)

    def take(self, messages: Sequence[bytes]) -> Receipt:
        """Send a batch.

        No `sentAt` is given: the server would correct all times by the difference of the clocks.

        Args:
            messages: At most `MAX_MESSAGES`, of at most `MAX_BYTES`.
        """
        key = to_json(self._write_key).encode()
        body = b'{"batch":[%b],"writeKey":%b}' % (b",".join(messages), key)
        response, _ = self._request("POST", BATCH_PATH, body)
        return Receipt(status=response.status_code)

    def _advice(self, said: str) -> dict[int, str]:
        where = WHERE_TO_FIND_THE_KEY[self._name]
        usual = JOURNY_URL if self._name == "journy_segment" else " or ".join(SEGMENT_URLS.values())
        return {
            401: f"Setting 'write_key': {said}. The key is wrong; {where}",
            403: f"Setting 'write_key': {said}. The key is disabled; {where}",
            404: f"Setting 'api_url': {said}. It is not where the Segment protocol is spoken, such as {usual}",
            429: f"{said}. Lower the setting 'requests_per_minute', or let other sources rest, then run again",
        }
