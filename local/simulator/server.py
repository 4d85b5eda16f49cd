"""The HTTP server: RainFocus's routes, and the life of the simulator."""

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web

from local.simulator import attendees, oauth
from local.simulator.answers import BODY_TOO_LARGE, Answer, failure, not_found
from local.simulator.calls import Call, CallName, Subject, read_record, subject_of
from local.simulator.control import Control
from local.simulator.faults import Effect
from local.simulator.settings import Environment, Organisation
from local.simulator.state import State
from local.simulator.wire import send

MAX_BODY_BYTES = 1024 * 1024
_SHUTDOWN_SECONDS = 0.5
_ENVIRONMENT = f"/{{environment:{'|'.join(Environment)}}}"
_API = f"{_ENVIRONMENT}/api/{{org}}/{{version}}"

type Handle = Callable[[], Answer]
type Prepare = Callable[[bytes], tuple[Subject, Handle]]
type ApiHandle = Callable[[Call, Organisation, State], Answer]


class Simulator:
    """RainFocus's routes over a state that the control calls read and change."""

    def __init__(self) -> None:
        self._control = Control()
        self._connections: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    def application(self) -> web.Application:
        """Return the web application with all routes."""
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        self._control.add_routes(application.router)
        # Invented: the path of the token endpoint.
        application.router.add_post(f"{_ENVIRONMENT}/oauth/token", self._token)
        application.router.add_post(f"{_API}/attendee/store", self._store)
        application.router.add_get(f"{_API}/attendeeInfo", self._attendee_info, allow_head=False)
        application.router.add_route("*", "/{path:.*}", self._unknown)
        return application

    async def _token(self, request: web.Request) -> web.StreamResponse:
        state = self._control.state
        state.token_requests += 1

        def prepare(body: bytes) -> tuple[Subject, Handle]:
            environment = Environment(request.match_info["environment"])
            call = oauth.read_token_call(environment, request.headers, body, request.content_type)
            subject = Subject(environment, oauth.org_of(call, state))
            return subject, lambda: oauth.answer_token_call(call, state)

        return await self._run(request, state, "token", prepare)

    async def _store(self, request: web.Request) -> web.StreamResponse:
        return await self._api_call(request, "attendee/store", attendees.store)

    async def _attendee_info(self, request: web.Request) -> web.StreamResponse:
        return await self._api_call(request, "attendeeInfo", attendees.attendee_info)

    async def _api_call(
        self, request: web.Request, name: CallName, handle: ApiHandle
    ) -> web.StreamResponse:
        state = self._control.state

        def prepare(body: bytes) -> tuple[Subject, Handle]:
            environment = Environment(request.match_info["environment"])
            org = request.match_info["org"]
            organisation = state.settings.organisation(environment, org)
            if organisation is None:
                return Subject(environment, org), not_found
            call = Call(
                environment=environment,
                org=org,
                version=request.match_info["version"],
                query=request.query,
                headers=request.headers,
                record=read_record(body, request.content_type, organisation.body),
            )
            return subject_of(call, organisation), lambda: handle(call, organisation, state)

        return await self._run(request, state, name, prepare)

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        return await self._run(
            request, self._control.state, "unknown", lambda _: (Subject(), not_found)
        )

    async def _run(
        self, request: web.Request, state: State, name: CallName, prepare: Prepare
    ) -> web.StreamResponse:
        """Read a call, answer it with the faults that strike, log it, and send the answer."""
        self._count_connection(request, state)
        started = time.monotonic()
        with state.call_in_flight():
            subject, answer, effect = await _answer(request, state, name, prepare)
            lost = effect is not None and effect.reset
            state.record_call(
                call=name,
                subject=subject,
                answer=None if lost else answer,
                milliseconds=round((time.monotonic() - started) * 1000, 3),
                traceparent=_traceparent(request),
            )
            return await send(request, answer, effect)

    def _count_connection(self, request: web.Request, state: State) -> None:
        if request.transport is not None and request.transport not in self._connections:
            self._connections.add(request.transport)
            state.connections_opened += 1


async def _answer(
    request: web.Request, state: State, name: CallName, prepare: Prepare
) -> tuple[Subject, Answer, Effect | None]:
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        # Invented: limit, code and message.
        return Subject(), failure(413, BODY_TOO_LARGE, "Request body too large"), None
    subject, handle = prepare(body)
    effect = state.faults.take(name, subject, applied=False)
    if effect is not None:
        return subject, await _affected(handle, effect, name), effect
    answer = handle()
    if not answer.succeeded:
        return subject, answer, None
    effect = state.faults.take(name, subject, applied=True)
    if effect is not None:
        answer = await _affected(lambda: answer, effect, name)
    return subject, answer, effect


async def _affected(handle: Handle, effect: Effect, name: CallName) -> Answer:
    await asyncio.sleep(effect.latency_seconds)
    return effect.answer(name) if effect.replaces_answer else handle()


def _traceparent(request: web.Request) -> str | None:
    sent = request.headers.get("traceparent")
    return None if sent is None else sent.encode(errors="replace").decode()


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[str]:
    """Run a simulator in this event loop and give its URL; port 0 picks a free one."""
    silent = logging.getLogger("local.simulator")  # what aiohttp logs may quote a request
    silent.disabled = True
    runner = web.AppRunner(
        Simulator().application(),
        access_log=None,
        logger=silent,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextmanager
def running(host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Run a simulator in a thread of its own and give its URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator")
    thread.start()
    server = serving(host, port)
    try:
        url = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
        try:
            yield url
        finally:
            stopping = server.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(stopping, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
