"""The HTTP side of a server: passes requests on, and bounds what clients can cost.

Memory has an upper bound whatever clients send: a request that is too large, too slow or one too
many is answered at once with its status and the reason, and its body is thrown away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

import orjson
from uvicorn.protocols.http.h11_impl import H11Protocol

# Maximum bytes of a request: the largest inputs that are served, as JSON with all digits.
MOST_BYTES = 12 * 2**20
# Maximum bytes of all requests together, from their first byte to their answer.
MOST_HELD_BYTES = 64 * 2**20
# Maximum requests that are computed or wait for it.
MOST_WAITING = 32
# Seconds in which a request must arrive, and in which a connection must end.
REQUEST_SECONDS = 5.0
CONNECTION_SECONDS = 60.0

# A status and the body of an answer, to the body of a request.
Call = Callable[[bytes], Awaitable[tuple[int, bytes]]]
_END = {"type": "http.response.body", "body": b"", "more_body": False}


class Refusal(Exception):
    """A request that is answered with a status other than 200, and the reason in one line."""

    def __init__(self, status: HTTPStatus, reason: str):
        super().__init__(reason)
        self.status = status


class Connection(H11Protocol):
    """A connection that is cut when its request does not come, or its answer is not read."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._deadlines = [
            self.loop.call_later(REQUEST_SECONDS, self._cut_without_request),
            self.loop.call_later(CONNECTION_SECONDS, transport.abort),
        ]

    def connection_lost(self, exc: Exception | None) -> None:
        for deadline in self._deadlines:
            deadline.cancel()
        super().connection_lost(exc)

    def _cut_without_request(self) -> None:
        if self.cycle is None:
            self.transport.abort()


class Gateway:
    """An ASGI application that answers one request per connection.

    Args:
        calls: what answers, by method and path.
    """

    def __init__(self, calls: dict[tuple[str, str], Call]):
        self._calls = calls
        self._held_bytes = self._waiting = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        request = _Request(scope, receive)
        try:
            call = self._call(scope)
            await self._read(request)
            with self._place_in_queue():
                await _begin_answer(send, *await _called(call, bytes(request.body)))
                # Uvicorn takes the end once the client has read nearly all that precedes it.
                await send(_END)
        except Refusal as refusal:
            error = orjson.dumps({"error": str(refusal)})
            await _begin_answer(send, refusal.status, error)
            await request.discard_rest()
            await send(_END)
        finally:
            self._held_bytes -= len(request.body)

    def _call(self, scope: dict[str, Any]) -> Call:
        key = scope["method"], scope["path"]
        if key not in self._calls:
            known = ", ".join(f"{method} {path}" for method, path in self._calls)
            raise Refusal(HTTPStatus.NOT_FOUND, f"{' '.join(key)} is not served; known: {known}")
        return self._calls[key]

    async def _read(self, request: "_Request") -> None:
        self._require_room()
        _require_size(request.declared_size)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                while not request.complete:
                    part = await request.part()
                    request.body += part
                    self._held_bytes += len(part)
                    _require_size(len(request.body))
                    self._require_room()
        except TimeoutError:
            raise Refusal(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the request did not arrive within {REQUEST_SECONDS:g} s; send it faster",
            ) from None

    def _require_room(self) -> None:
        if self._waiting >= MOST_WAITING or self._held_bytes > MOST_HELD_BYTES:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the queue is full; try again later")

    @contextmanager
    def _place_in_queue(self) -> Iterator[None]:
        self._require_room()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


class _Request:
    def __init__(self, scope: dict[str, Any], receive: Any):
        self.declared_size = int(dict(scope["headers"]).get(b"content-length", 0))
        self.body, self.complete = bytearray(), False
        self._receive = receive

    async def part(self) -> bytes:
        """The next part of the body, as it comes."""
        message = await self._receive()
        self.complete = not message.get("more_body", False)
        if message["type"] == "http.disconnect":
            raise Refusal(HTTPStatus.BAD_REQUEST, "the client has hung up")
        return message["body"]

    async def discard_rest(self) -> None:
        """Receives what is left of the body: many clients read no answer before they sent all."""
        with suppress(TimeoutError, Refusal):
            async with asyncio.timeout(REQUEST_SECONDS):
                while not self.complete:
                    await self.part()


def _require_size(size: int) -> None:
    if size > MOST_BYTES:
        raise Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the request has {size} bytes or more; send at most {MOST_BYTES}",
        )


async def _called(call: Call, body: bytes) -> tuple[int, bytes]:
    try:
        return await call(body)
    except Exception:
        logging.exception("a request failed")
        raise Refusal(
            HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its log has the reason"
        ) from None


async def _begin_answer(send: Any, status: int, content: bytes) -> None:
    """Sends all of an answer but its end."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": True})
