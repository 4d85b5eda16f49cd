"""Reaching a host: its name, its port, and TLS, each with a time limit."""

import socket
import ssl
from threading import Thread

from requests.utils import DEFAULT_CA_BUNDLE_PATH


class Network:
    """The network as this machine sees it. Every method raises OSError."""

    def resolve(self, host: str, seconds: float) -> None:
        """Look a host name up. Raises TimeoutError, too: the system's resolver may never end."""
        failures: list[OSError | None] = []

        def look_up() -> None:
            try:
                socket.getaddrinfo(host, None)
                failures.append(None)
            except OSError as error:
                failures.append(error)
            except UnicodeError:  # a label that is empty or too long
                failures.append(OSError("it is no host name"))

        thread = Thread(target=look_up, daemon=True)
        thread.start()
        thread.join(seconds)
        if not failures:
            raise TimeoutError("no answer from the name service")
        if failures[0]:
            raise failures[0]

    def connect(self, host: str, port: int, seconds: float) -> None:
        """Open a connection and close it."""
        with socket.create_connection((host, port), timeout=seconds):
            return

    def handshake(self, host: str, port: int, seconds: float) -> None:
        """Open a TLS connection, trusting the certificates that calls trust, and close it."""
        trusted = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
        with (
            socket.create_connection((host, port), timeout=seconds) as plain,
            trusted.wrap_socket(plain, server_hostname=host),
        ):
            return


def words(error: OSError) -> str:
    """Say what went wrong, without numbers of the operating system."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        reason = str(getattr(error, "reason", None) or "the handshake failed")
        return f"it does not speak TLS as it should: {reason.replace('_', ' ').lower()}"
    return error.strerror or str(error) or type(error).__name__
