"""What a cold start of ingest costs beside that of a bare SQS client."""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from local import stack

# An interpreter with botocore and little else, as in Lambda's runtime: the local cloud's.
_PYTHON = Path(__file__).parent.parent / "build" / "cloud" / "bin" / "python"
_ROUNDS = 15
_SECONDS = 60.0

_BARE = "import botocore.session; botocore.session.get_session().create_client('sqs')"
_INGEST = "import functions.ingest.app as app; app.ingest()"


def ingest_cold_import_ratio() -> float:
    """Return the time until ingest can take a push by that until a bare client can send.

    Both are whole processes, started in turn; the ratio is the median of the rounds'. Ingest is
    what `sam build` made of it, with the bytecode that the layer ships.
    """
    with tempfile.TemporaryDirectory() as folder:
        built = stack.build(Path(folder)).parent
        paths = [built / "IngestFunction", built / "SharedLayer" / "python"]
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "STACK_NAME": "bench",
            "QUEUE_URL": "http://127.0.0.1/queue",
            "DEAD_LETTER_QUEUE_URL": "http://127.0.0.1/dead-letters",
        }
        for program in (_BARE, _INGEST):  # the first run of each warms the page cache
            _seconds(program, environment)
        return median(
            _seconds(_INGEST, environment) / _seconds(_BARE, environment) for _ in range(_ROUNDS)
        )


def _seconds(program: str, environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run([str(_PYTHON), "-c", program], env=environment, check=True, timeout=_SECONDS)
    return time.perf_counter() - started
