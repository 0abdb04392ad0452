"""HTTP manners that the plugins share: time-outs, pacing, Retry-After, jittered retry, redaction.

What an error *means* belongs to the client of each API; this package only knows how to ask politely.
"""

from marketplace_http.auth import BasicAuth, HeaderAuth
from marketplace_http.errors import (
    ApiError,
    CertificateError,
    ConnectionFailedError,
    RedirectedError,
    WaitInterruptedError,
)
from marketplace_http.limiter import RateLimiter
from marketplace_http.pacing import EndsWaiting, Pacer, interruptible_sleep
from marketplace_http.redaction import redact, redact_logs
from marketplace_http.retry import TRANSIENT_STATUSES, RetryPolicy, retry_after
from marketplace_http.session import ApiSession

__all__ = [
    "TRANSIENT_STATUSES",
    "ApiError",
    "ApiSession",
    "BasicAuth",
    "CertificateError",
    "ConnectionFailedError",
    "EndsWaiting",
    "HeaderAuth",
    "Pacer",
    "RateLimiter",
    "RedirectedError",
    "RetryPolicy",
    "WaitInterruptedError",
    "interruptible_sleep",
    "redact",
    "redact_logs",
    "retry_after",
]
