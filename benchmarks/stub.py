"""Stands in for RainFocus, 100 ms away, and for DynamoDB, next door.

Run as a process of its own, so that its work is not measured: python -m benchmarks.stub
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

from aiohttp import web

RAINFOCUS_LATENCY = 0.1  # seconds


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run the stub; yield its URL."""
    command = [sys.executable, "-m", "benchmarks.stub"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("the stub has no output to read")
        try:
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()


async def _store(_request: web.Request) -> web.Response:
    await asyncio.sleep(RAINFOCUS_LATENCY)
    return web.json_response({"responseCode": "0", "attendeeId": "1619119968857001fvLB"})


async def _dynamodb(request: web.Request) -> web.Response:
    """Answer as a table that holds nothing and takes everything."""
    statements = (await request.json()).get("Statements")
    responses = {} if statements is None else [{"TableName": "ledger"} for _ in statements]
    return web.Response(
        text=json.dumps({"Responses": responses, "UnprocessedKeys": {}}),
        content_type="application/x-amz-json-1.0",
    )


async def _serve() -> None:
    application = web.Application()
    application.router.add_post("/api/{call:.*}", _store)
    application.router.add_post("/", _dynamodb)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
