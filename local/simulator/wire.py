"""Sending an answer, with what a fault does to it on the way."""

import asyncio
import socket
import struct

from aiohttp import web

from local.simulator.answers import Answer
from local.simulator.faults import Drip, Effect

_WHOLE = Drip(chunk_bytes=64 * 1024, pause_seconds=0)


async def send(request: web.Request, answer: Answer, effect: Effect | None) -> web.StreamResponse:
    """Send an answer as an effect says, or as it is."""
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if effect is not None and effect.retry_after is not None:
        headers["Retry-After"] = str(effect.retry_after)
    if effect is not None and effect.reset:
        _reset(request)
        return web.Response()
    if effect is not None and effect.shapes_body:
        return await _send_shaped(request, answer, headers, effect)
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _reset(request: web.Request) -> None:
    """End the connection with a TCP reset."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


async def _send_shaped(
    request: web.Request, answer: Answer, headers: dict[str, str], effect: Effect
) -> web.StreamResponse:
    body = answer.body.ljust(effect.pad_to_bytes or 0)
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = len(body)
    if effect.truncate_at_bytes is not None:
        body = body[: effect.truncate_at_bytes]
        response.force_close()
    drip = effect.drip or _WHOLE
    await response.prepare(request)
    for start in range(0, len(body), drip.chunk_bytes):
        await response.write(body[start : start + drip.chunk_bytes])
        await asyncio.sleep(drip.pause_seconds)
    return response
