"""Looks for inputs of which something does not hold: python -m tests.fuzz [--target NAME].

Atheris, which runs libFuzzer, keeps those that reach more of the code, and goes on from there:
https://github.com/google/atheris
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "build" / "fuzzed"
TARGETS = ("bodies", "reader", "answers", "normalisation", "expressions")
_LONGEST = 200_000  # bytes of an input
_MOST_MEGABYTES = 1_024
_INPUTS = re.compile(r"stat::number_of_executed_units: (\d+)")
_REACHED = re.compile(r"cov: (\d+)")
_FAULT = re.compile(r"=== Uncaught Python exception: ===\n(.+)")


def main() -> int:
    """Search each target in a process of its own; the exit code is 1 if something was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Look for inputs of which something fails."
    )
    parser.add_argument("--seconds", type=int, default=60, help="of each target (60)")
    parser.add_argument("--target", choices=TARGETS, help="one alone")
    parser.add_argument(
        "--input", type=Path, help="a file that failed, to be tried again on --target"
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        return _search(given.target, given.seconds)
    if given.input:
        if not (given.target and given.input.is_file()):
            parser.error("--input needs --target (INPUT needs TARGET), and a file that is there")
        return _again(given.target, given.input)
    names = [given.target] if given.target else TARGETS
    return max(_searched(name, given.seconds) for name in names)


def _searched(name: str, seconds: int) -> int:
    """Search a target, and print what came of it."""
    command = [sys.executable, "-m", "tests.fuzz", "--here", "--target", name]
    done = subprocess.run(
        [*command, "--seconds", str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    log = FOUND / f"{name}.log"
    log.write_text(done.stdout)
    inputs, reached = _INPUTS.findall(done.stdout), _REACHED.findall(done.stdout)
    fault = _FAULT.search(done.stdout)
    words = "nothing found" if not done.returncode else fault[1] if fault else "it ended early"
    _say(
        f"{name:<14} {int(inputs[-1]) if inputs else 0:>9,} inputs, "
        f"{int(reached[-1]) if reached else 0:>6,} branches reached: {words}"
    )
    if done.returncode:
        failed = sorted((FOUND / name / "failed").glob("*"), key=lambda each: each.stat().st_mtime)
        again = f"make fuzz TARGET={name} INPUT={failed[-1].relative_to(ROOT)}" if failed else ""
        _say(f"  see {log.relative_to(ROOT)}", *[f"  again: {again}"] * bool(again))
    return int(bool(done.returncode))


def _search(name: str, seconds: int) -> int:
    """Have libFuzzer search, which ends this process."""
    import atheris  # noqa: PLC0415 - it has an environment of its own, and instruments what follows

    with atheris.instrument_imports(include=["attendee_sync"]):
        from tests.fuzz.targets import TARGETS as targets  # noqa: N811, PLC0415
    target = targets[name]
    corpus, failed = FOUND / name / "corpus", FOUND / name / "failed"
    for folder in (corpus, failed):
        folder.mkdir(parents=True, exist_ok=True)
    for n, seed in enumerate(target.seeds()):
        (corpus / f"seed-{n}").write_bytes(_bytes(seed))

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        return _bytes(target.mutate(_text(data), Random(seed)))[:size]

    options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", "-print_final_stats=1"]
    options += [f"-rss_limit_mb={_MOST_MEGABYTES}", f"-artifact_prefix={failed}/"]
    atheris.Setup(
        [sys.argv[0], str(corpus), *options],
        lambda data: target.run(_text(data)),
        custom_mutator=mutate,
    )
    atheris.Fuzz()
    return 0


def _again(name: str, path: Path) -> int:
    """Try one input, without the library that searches."""
    from tests.fuzz.targets import TARGETS as targets  # noqa: N811, PLC0415

    targets[name].run(_text(path.read_bytes()))
    _say("nothing found")
    return 0


def _text(data: bytes) -> str:
    try:
        return data.decode(errors="surrogatepass")  # half a character, which JSON can spell
    except UnicodeDecodeError:
        return data.decode(errors="replace")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"
    sys.exit(main())
