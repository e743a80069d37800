"""The gateway of the server in export/clients/serving: what it refuses, and when it hangs up."""

import asyncio
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from helpers import serving

uvicorn = pytest.importorskip("uvicorn", reason="make serving installs it")
pytest.importorskip("orjson", reason="make serving installs it")
gateway = serving.module("gateway")

# What it needs is there where the server's tests run.
pytestmark = pytest.mark.slow

GET = b"GET /echo HTTP/1.1\r\nHost: here\r\n\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%s"


def post(body: bytes, path: bytes = b"/echo") -> bytes:
    return POST % (path, len(body), body)


class Server:
    """A gateway on a port of its own; `open` lets the calls of /wait go on."""

    def __init__(self):
        self.open, self.begun = threading.Event(), 0
        answers = {
            "/echo": self._echo,
            "/wait": self._wait,
            "/large": self._large,
            "/fail": self._fail,
        }
        calls = {("POST", path): answer for path, answer in answers.items()}
        self.gateway = gateway.Gateway(calls)
        config = uvicorn.Config(
            self.gateway, port=0, http=gateway.Connection, ws="none", lifespan="off"
        )
        self.uvicorn = uvicorn.Server(config)

    @property
    def port(self) -> int:
        return self.uvicorn.servers[0].sockets[0].getsockname()[1]

    async def _echo(self, body: bytes) -> tuple[int, bytes]:
        return 200, body

    async def _wait(self, body: bytes) -> tuple[int, bytes]:
        self.begun += 1
        while not self.open.is_set():
            await asyncio.sleep(0.01)
        return 200, body

    async def _large(self, body: bytes) -> tuple[int, bytes]:
        self.begun += 1
        return 200, bytes(64 * 2**20)

    async def _fail(self, body: bytes) -> tuple[int, bytes]:
        raise ValueError("two\nlines")

    def connect(self, content: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(content)
        return connection

    def answer(self, content: bytes) -> tuple[int, bytes]:
        """The status, 0 where the server hangs up without one, and the body of an answer."""
        with self.connect(content) as connection:
            return received(connection)


def received(connection: socket.socket) -> tuple[int, bytes]:
    parts = []
    try:
        while part := connection.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body


@contextmanager
def running():
    server = Server()
    thread = threading.Thread(target=server.uvicorn.run)
    thread.start()
    try:
        until(lambda: server.uvicorn.started)
        yield server
    finally:
        server.open.set()
        server.uvicorn.should_exit = True
        thread.join()


def until(holds) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def server():
    with running() as server:
        yield server


def reason(body: bytes) -> str:
    return json.loads(body)["error"]


def test_a_body_comes_back_whole(server):
    body = bytes(range(256)) * 4096
    assert server.answer(post(body)) == (200, body)


def test_what_is_not_served_is_refused_with_what_is(server):
    status, body = server.answer(post(b"", b"/other"))
    assert status == 404
    assert reason(body).startswith("POST /other is not served; known: POST /echo, ")
    assert server.answer(GET)[0] == 404


def test_an_error_becomes_one_line(server):
    status, body = server.answer(post(b"", b"/fail"))
    assert (status, reason(body)) == (500, "the server failed; its log has the reason")


@pytest.mark.parametrize("declared", [True, False])
def test_large_requests_are_refused_while_they_are_sent(server, declared, monkeypatch):
    monkeypatch.setattr(gateway, "MOST_BYTES", 1000)
    assert server.answer(post(bytes(1000))) == (200, bytes(1000))
    body = bytes(8 * 2**20)  # more than sockets buffer: a client that is cut off sees an error
    request = post(body)
    if not declared:
        head = b"POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
        request = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    status, answer = server.answer(request)
    assert status == 413
    assert reason(answer).endswith(" bytes or more; send at most 1000")


def test_one_request_too_many_is_refused_at_once(server, monkeypatch):
    monkeypatch.setattr(gateway, "MOST_WAITING", 2)
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(server.answer, post(b"x", b"/wait")) for _ in range(2)]
        until(lambda: server.begun == 2)
        start = time.monotonic()
        with server.connect(post(bytes(8 * 2**20))) as connection:
            status, body = received(connection)
        assert (status, reason(body)) == (503, "the queue is full; try again later")
        assert time.monotonic() - start < 1
        server.open.set()
        assert [request.result() for request in waiting] == [(200, b"x")] * 2
    assert server.answer(post(b"y")) == (200, b"y")


def test_the_bytes_of_all_requests_are_limited(server, monkeypatch):
    monkeypatch.setattr(gateway, "MOST_HELD_BYTES", 1500)
    with server.connect(post(bytes(1000), b"/wait")) as first:
        until(lambda: server.begun == 1)
        assert server.answer(post(bytes(1000)))[0] == 503
        server.open.set()
        assert received(first)[0] == 200
    until(lambda: server.gateway._held_bytes == 0)
    assert server.answer(post(bytes(1000)))[0] == 200


def test_connections_without_a_request_are_cut(server, monkeypatch):
    monkeypatch.setattr(gateway, "REQUEST_SECONDS", 0.3)
    halves = [server.connect(content) for content in (b"", GET[:20], POST[:20]) for _ in range(50)]
    start = time.monotonic()
    assert [received(half)[0] for half in halves] == [0] * len(halves)
    assert time.monotonic() - start < 3
    for half in halves:
        half.close()


def test_a_slow_body_is_refused(server, monkeypatch):
    monkeypatch.setattr(gateway, "REQUEST_SECONDS", 0.3)
    with server.connect(post(bytes(100))[:-1]) as slow:
        status, body = received(slow)
        assert (status, reason(body)[-16:]) == (408, "; send it faster")


def test_half_a_body_is_not_computed(server):
    with server.connect(post(bytes(100), b"/wait")[:-1]):
        until(lambda: server.gateway._held_bytes == 99)
    until(lambda: server.gateway._held_bytes == 0)
    assert server.begun == 0


def test_an_answer_that_is_not_read_gives_its_place_back(server, monkeypatch):
    monkeypatch.setattr(gateway, "MOST_WAITING", 1)
    monkeypatch.setattr(gateway, "CONNECTION_SECONDS", 1.0)
    with server.connect(post(b"", b"/large")):
        until(lambda: server.begun == 1)
        time.sleep(0.2)
        assert server.answer(post(b"x"))[0] == 503
        until(lambda: server.gateway._waiting == 0)
    assert server.answer(post(b"x")) == (200, b"x")
