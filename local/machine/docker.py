"""What is asked of Docker: whether it runs, and where its containers reach this machine."""

import ipaddress
import json
import subprocess

_SECONDS = 15.0


class DockerError(Exception):
    """Docker can't be had. The text says why, in one sentence."""


def bridge_address() -> str:
    """Return this machine's address on the network that containers are on by default.

    There a container reaches what listens on it, and nothing outside this machine is asked to.
    That is so with Docker Engine on Linux; Docker Desktop's network is one of its own machine.
    Raises DockerError.
    """
    networks = json.loads(_docker("network", "inspect", "bridge"))
    for configured in networks[0]["IPAM"]["Config"]:
        network = ipaddress.ip_network(configured["Subnet"])
        if network.version == 4:  # noqa: PLR2004
            # Docker gives itself the first address of the network, and does not always say so.
            return str(configured.get("Gateway") or network[1])
    raise DockerError("Docker's network `bridge` has no IPv4 address.")


def check() -> None:
    """Raise DockerError unless Docker runs."""
    _docker("version", "--format", "{{.Server.Version}}")


def _docker(*arguments: str) -> str:
    try:
        return subprocess.run(
            ["docker", *arguments],  # noqa: S607 - wherever this machine has it
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            text=True,
            check=True,
        ).stdout
    except FileNotFoundError:
        raise DockerError("Docker is missing: no `docker` is on the PATH.") from None
    except subprocess.TimeoutExpired:
        raise DockerError(f"Docker does not answer within {_SECONDS:.0f} s.") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise DockerError(f"Docker can't be used: {last}") from None
