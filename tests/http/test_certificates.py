"""A certificate that cannot be verified, over real sockets."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from marketplace_http import ApiSession, CertificateError, HeaderAuth, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

x509 = pytest.importorskip("cryptography.x509", reason="cryptography, which makes certificates, is not here")


class Server(HTTPServer):
    """Answers over TLS.

    Attributes:
        url: Its address.
        handshakes: How many clients tried to connect.
    """

    handshakes = 0

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self.url = f"https://127.0.0.1:{self.server_port}"

    def get_request(self) -> Any:
        connection, address = super().get_request()
        self.handshakes += 1
        connection.settimeout(5)
        return self._context.wrap_socket(connection, server_side=True), address


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, with its key."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(pem))
    return path


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with Server(certificate) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(5)


def session(url: str, pauses: list[float]) -> ApiSession:
    return ApiSession(
        url, auth=HeaderAuth("X-Api-Key", "k"), user_agent="test", retry=RetryPolicy(sleep=pauses.append), timeout=5
    )


def test_a_certificate_that_cannot_be_verified_is_named_and_not_tried_again(server: Server) -> None:
    pauses: list[float] = []
    with pytest.raises(CertificateError) as caught:
        session(server.url, pauses).call("GET", "/x")
    text = str(caught.value)
    assert "its certificate cannot be verified (self" in text
    assert "REQUESTS_CA_BUNDLE" in text
    assert not caught.value.maybe_received
    assert (server.handshakes, pauses) == (1, [])


def test_the_file_that_the_message_asks_for_helps(
    server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert session(server.url, []).call("GET", "/x").status_code == 200


def test_a_certificate_of_another_name_is_told(
    server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with pytest.raises(CertificateError, match="localhost"):
        session(server.url.replace("127.0.0.1", "localhost"), []).call("GET", "/x")
