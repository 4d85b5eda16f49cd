"""The doctor: finds out step by step whether a connection works, and which setting it is if not."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests

from attendee_sync.mapping.destination import Destination
from attendee_sync.rainfocus.connection import Connection
from attendee_sync_cli.doctor import network
from attendee_sync_cli.doctor.api_checks import ApiChecks
from attendee_sync_cli.doctor.calls import Calls
from attendee_sync_cli.doctor.likely import base_setting
from attendee_sync_cli.doctor.network import Network
from attendee_sync_cli.doctor.report import AwayError, Case, Check, FailedError, Findings, Report
from attendee_sync_cli.settings import validation

_PORTS = {"http": 80, "https": 443}


def examine(
    case: Case,
    http: requests.Session,
    reach: Network | None = None,
    progress: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Examine a connection; `progress` is told what is being done, `sleep` waits between calls.

    What fails is in the report. Nothing that was fetched is stored anywhere.
    """
    findings = Findings(case, progress)
    try:
        connection, destination = _check_settings(findings)
        _check_hosts(findings, reach or Network(), connection)
        ApiChecks(Calls(findings, http, destination, sleep), connection).check()
    except FailedError as failure:
        findings.failed(failure)
    return findings.report()


def _check_settings(findings: Findings) -> tuple[Connection, Destination | None]:
    case = findings.case
    connection = validation.read(Connection, case.settings)
    if isinstance(connection, list):
        wrong = _joined(connection)
        raise FailedError(Check.SETTINGS, wrong, connection[0].setting, sure=True)
    if not case.destination:
        findings.passed(Check.SETTINGS, f"connection {case.connection}")
        return connection, None
    destination = validation.read(Destination, case.destination_settings)
    if isinstance(destination, list):
        words = f"destination {case.destination}: {_joined(destination)}"
        setting = f"destination.{destination[0].setting}"
        raise FailedError(Check.SETTINGS, words, setting, sure=True)
    words = f"connection {case.connection}, destination {case.destination}"
    findings.passed(Check.SETTINGS, words)
    return connection, destination


@dataclass(frozen=True)
class _Host:
    setting: str
    name: str
    port: int
    secure: bool

    @property
    def address(self) -> str:
        return f"{self.name}:{self.port}"


def _check_hosts(findings: Findings, reach: Network, connection: Connection) -> None:
    hosts = [_host(base_setting(connection), connection.base)]
    if connection.auth.kind == "oauth" and connection.auth.token_url:
        hosts.append(_host("auth.token_url", connection.auth.token_url))
    seconds = connection.limits.connect_timeout
    for host in hosts:
        findings.progress(f"looking {host.name} up")
        try:
            reach.resolve(host.name, seconds)
        except TimeoutError as error:
            raise AwayError(Check.HOST, f"{host.name}: {network.words(error)}") from None
        except OSError as error:
            words = f"{host.name}: {network.words(error)}"
            raise FailedError(Check.HOST, words, host.setting) from None
    findings.passed(Check.HOST, _listed(host.name for host in hosts))
    for host in hosts:
        findings.progress(f"connecting to {host.address}")
        _check_tls(reach, host, seconds)
    insecure = [host for host in hosts if not host.secure]
    if insecure:
        words = f"not used: http in {_listed(host.setting for host in insecure)}"
        findings.unknown(Check.TLS, f"{words}. Right for a simulator on this machine only")
    else:
        findings.passed(Check.TLS, _listed(host.address for host in hosts))


def _check_tls(reach: Network, host: _Host, seconds: float) -> None:
    try:
        if host.secure:
            reach.handshake(host.name, host.port, seconds)
        else:
            reach.connect(host.name, host.port, seconds)
    except (TimeoutError, ConnectionError) as error:
        words = f"{host.address}: {network.words(error)}. If it stays so, look at {host.setting}"
        raise AwayError(Check.TLS, words) from None
    except OSError as error:
        words = f"{host.address}: {network.words(error)}"
        raise FailedError(Check.TLS, words, host.setting) from None


def _host(setting: str, url: str) -> _Host:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        words = "it is no address to be reached"
        raise FailedError(Check.SETTINGS, words, setting, sure=True) from None
    return _Host(setting, parts.hostname or "", port, parts.scheme == "https")


def _joined(found: list[validation.SettingFault]) -> str:
    return "; ".join(map(str, found))


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
