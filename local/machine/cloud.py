"""A local cloud that stands in for AWS: MiniStack, for as long as a `with` block runs.

It keeps everything in memory and in one temporary folder, and leaves nothing behind.
"""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.machine.clock import Clock

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
# The local cloud takes these for the account's owner. Not a secret: it is its documented default.
TEST_KEY = "test"
LOOPBACK = "127.0.0.1"

_PYTHON = ROOT / "build" / "cloud" / "bin" / "python"
_START_SECONDS = 30.0
_TERM_SECONDS = 2.0  # it has nothing to save
_KILL_SECONDS = 10.0
_REMOVE_SECONDS = 2.0
_LOG_LINES = 20


class CloudError(Exception):
    """The local cloud did not start. The text says why and what to do."""


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud."""

    port: int
    folder: Path
    """A temporary folder, removed when the cloud stops. Others may keep files in it too."""
    address: str = LOOPBACK
    """The one address of this machine at which it is reached."""
    clock: Clock | None = None
    """What it and its functions go by, if that can be moved."""

    @property
    def endpoint_url(self) -> str:
        """Where all its services answer, e.g. http://127.0.0.1:41234."""
        return f"http://{self.address}:{self.port}"

    @property
    def log(self) -> Path:
        """What it and its functions wrote so far."""
        return self.folder / "cloud.log"

    def environment(self) -> dict[str, str]:
        """Return a child process's whole environment, as aws_environment() does."""
        return aws_environment(self.endpoint_url)


def aws_environment(endpoint_url: str) -> dict[str, str]:
    """Return a child process's whole environment, in which AWS is a local cloud.

    It is that of this process without its AWS settings, so that no call can reach a real
    account, and without a proxy on the way to this machine.
    """
    direct = f"{urlsplit(endpoint_url).hostname},{LOOPBACK},localhost"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return environment | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": TEST_KEY,
        "AWS_SECRET_ACCESS_KEY": TEST_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


@contextlib.contextmanager
def local_cloud(address: str = LOOPBACK, *, has_clock: bool = False) -> Iterator[LocalCloud]:
    """Run a local cloud, with IAM enforced, on a free port of one address of this machine.

    However the block ends, the cloud, its functions' processes and its folder are gone
    afterwards. SIGTERM and SIGHUP end the block as Ctrl-C does, with KeyboardInterrupt. With a
    clock of its own that can be moved.
    Raises CloudError if it does not start within half a minute, or the address is another's.
    """
    if not _PYTHON.exists():
        raise CloudError(f"{_PYTHON} is missing: `make test` or `make demo` install it")
    with ended_by_signals(), _temporary_folder() as folder:
        clock = Clock.new(folder / "clock") if has_clock else None
        cloud = LocalCloud(free_port(address), folder, address, clock)
        process = _start(cloud)
        try:
            _await_health(cloud, process)
            yield cloud
        finally:
            _stop(process)


def _start(cloud: LocalCloud) -> subprocess.Popen[bytes]:
    home = cloud.folder / "home"
    temporary = cloud.folder / "tmp"
    home.mkdir()
    temporary.mkdir()
    # The functions' processes inherit this, so nothing of this machine's own settings is in it.
    environment = {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "STATE_DIR": str(temporary),
        "LANG": "C.UTF-8",
        "BIND_HOST": cloud.address,
        "GATEWAY_PORT": str(cloud.port),
        "AUTH": "true",
        "LOG_LEVEL": "INFO",
        # Servers that nobody here calls, on fixed ports.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        **(cloud.clock.environment() if cloud.clock else {}),
    }
    with cloud.log.open("wb") as log:
        return subprocess.Popen(
            [str(_PYTHON), "-m", "ministack"],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _await_health(cloud: LocalCloud, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None:
        if _is_healthy(cloud):
            return
        if time.monotonic() > deadline:
            raise CloudError(f"The local cloud did not answer in time. Its log:\n{_tail(cloud)}")
        time.sleep(0.05)
    raise CloudError(f"The local cloud ended ({process.returncode}). Its log:\n{_tail(cloud)}")


def _is_healthy(cloud: LocalCloud) -> bool:
    connection = http.client.HTTPConnection(cloud.address, cloud.port, timeout=1)
    try:
        connection.request("GET", "/_localstack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(cloud: LocalCloud) -> str:
    lines = cloud.log.read_text(errors="replace").splitlines()
    return "\n".join(lines[-_LOG_LINES:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the cloud's whole process group, which the functions' processes belong to."""
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_TERM_SECONDS)
    _signal_group(process, signal.SIGKILL)
    process.wait(_KILL_SECONDS)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # macOS answers PermissionError for a group of which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="attendee-sync-"))
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder in which a process that was just killed may still finish a write."""
    deadline = time.monotonic() + _REMOVE_SECONDS
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < deadline)


def free_port(address: str) -> int:
    """Return a port of an address on which nothing listens. Raises CloudError."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            raise CloudError(f"{address} is not to be had here: {error.strerror}") from None
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the block as Ctrl-C does, with KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
