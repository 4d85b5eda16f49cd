"""The control calls under /_sim: settings, faults, tokens, and what has been received."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from local.simulator.faults import ArmedFault, Fault
from local.simulator.settings import Environment, Settings
from local.simulator.state import Attendee, Counts, LogEntry, State, Tokens

SETTINGS = TypeAdapter(Settings)
ARMED_FAULT = TypeAdapter(ArmedFault)
ARMED_FAULTS = TypeAdapter(list[ArmedFault])
ATTENDEES = TypeAdapter(list[Attendee])
LOG = TypeAdapter(list[LogEntry])
COUNTS = TypeAdapter(Counts)
TOKENS = TypeAdapter(Tokens)
_OBJECT = TypeAdapter(dict[str, JsonValue])

type _Handler = Callable[[web.Request], Awaitable[web.Response]]


class Revocation(BaseModel):
    """Whose tokens are revoked: of one environment, of one org id, or all."""

    model_config = ConfigDict(extra="forbid")

    environment: Environment | None = None
    org: str | None = None


class Revoked(BaseModel):
    """How many tokens were revoked."""

    revoked: int


class _Event(BaseModel):
    model_config = ConfigDict(extra="forbid")

    last: Annotated[int | None, Field(ge=1)] = None  # only so many, those updated last
    environment: Environment
    org: str
    event: str


class _LogQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    since: Annotated[int, Field(ge=0)] = 0
    last: Annotated[int | None, Field(ge=1)] = None  # only so many, the newest


class Control:
    """The control calls, and the current state that a reset replaces."""

    def __init__(self) -> None:
        self.state = State()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the routes of all control calls."""
        for method, path, handler in (
            ("GET", "settings", self._get_settings),
            ("PUT", "settings", self._put_settings),
            ("GET", "faults", self._get_faults),
            ("POST", "faults", self._post_fault),
            ("DELETE", "faults", self._delete_faults),
            ("GET", "tokens", self._get_tokens),
            ("POST", "tokens/revoke", self._revoke_tokens),
            ("GET", "attendees", self._get_attendees),
            ("GET", "log", self._get_log),
            ("GET", "counts", self._get_counts),
            ("POST", "reset", self._reset),
        ):
            router.add_route(method, f"/_sim/{path}", _refusing_bad_input(handler))
        router.add_route("*", "/_sim/{path:.*}", _no_such_call)

    async def _get_settings(self, _: web.Request) -> web.Response:
        return _json(SETTINGS, self.state.settings)

    async def _put_settings(self, request: web.Request) -> web.Response:
        patch = _OBJECT.validate_json(await request.read())
        self.state.settings = self.state.settings.merged(patch)
        return _json(SETTINGS, self.state.settings)

    async def _get_faults(self, _: web.Request) -> web.Response:
        return _json(ARMED_FAULTS, self.state.faults.armed)

    async def _post_fault(self, request: web.Request) -> web.Response:
        fault = Fault.model_validate_json(await request.read())
        return _json(ARMED_FAULT, self.state.faults.add(fault), status=201)

    async def _delete_faults(self, _: web.Request) -> web.Response:
        self.state.faults.clear()
        return web.Response(status=204)

    async def _get_tokens(self, _: web.Request) -> web.Response:
        tokens = Tokens(self.state.token_requests, list(self.state.org_tokens.values()))
        return _json(TOKENS, tokens)

    async def _revoke_tokens(self, request: web.Request) -> web.Response:
        whose = Revocation.model_validate_json(await request.read() or b"{}")
        revoked = self.state.revoke_tokens(whose.environment, whose.org)
        return _json(TypeAdapter(Revoked), Revoked(revoked=revoked))

    async def _get_attendees(self, request: web.Request) -> web.Response:
        of = _Event.model_validate(dict(request.query))
        attendees = self.state.attendees.get((of.environment, of.org, of.event), {})
        found = list(attendees.values())
        if of.last:
            found = sorted(found, key=lambda attendee: attendee.updated_at)[-of.last :]
        return _json(ATTENDEES, found)

    async def _get_log(self, request: web.Request) -> web.Response:
        asked = _LogQuery.model_validate(dict(request.query))
        found = [entry for entry in self.state.log if entry.number > asked.since]
        return _json(LOG, found[-asked.last :] if asked.last else found)

    async def _get_counts(self, _: web.Request) -> web.Response:
        return _json(COUNTS, self.state.counts())

    async def _reset(self, _: web.Request) -> web.Response:
        self.state = State()
        return web.Response(status=204)


def _refusing_bad_input(handler: _Handler) -> _Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_context=False, include_input=False)
            return web.json_response({"errors": errors}, status=400)

    return handle


async def _no_such_call(_: web.Request) -> web.Response:
    return web.json_response({"errors": [{"msg": "no such control call"}]}, status=404)


def _json(adapter: TypeAdapter[Any], value: object, *, status: int = 200) -> web.Response:
    body = adapter.dump_json(value, by_alias=True)
    return web.Response(status=status, body=body, content_type="application/json")
