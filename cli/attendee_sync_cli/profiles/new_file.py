"""New files with personal data or a token: only who made them can read them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer


@contextmanager
def opened(path: Path, option: str) -> Iterator[Callable[[bytes], object]]:
    """Open a new file and give what writes to it. If nothing is written, it is removed.

    Raises typer.BadParameter, with the option that named it, if there is no making it.
    """
    try:
        path.touch(mode=0o600, exist_ok=False)
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise typer.BadParameter(
            f"{path} can't be created: {error.strerror}", param_hint=option
        ) from None
    try:
        with file:
            yield file.write
    finally:
        if not path.stat().st_size:
            path.unlink()
