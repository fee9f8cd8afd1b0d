"""A server on loopback that answers from a script, one connection a request."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from typing_extensions import Self


@dataclass
class Request:
    """A request as it came."""

    line: str
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)


@dataclass
class Answer:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    close: bool = False
    """Closes without an answer."""
    hang: bool = False
    """Says nothing until the other side hangs up."""

    @staticmethod
    def of(value: Any, status: int = 200) -> Answer:
        return Answer(status, json.dumps(value).encode(), [("content-type", "application/json")])

    def text(self) -> bytes:
        head = [f"HTTP/1.1 {self.status} X"]
        head += [f"{name}: {value}" for name, value in self.headers]
        if self.status != 204:
            head.append(f"content-length: {len(self.body)}")
        head.append("connection: close")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + self.body


Script = Iterable[Answer] | Callable[[Request], Answer]


class Server:
    """Answers each connection's request by the next line of the script, or by a function for all of them."""

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self.hung_up = threading.Event()
        """The other side closed a connection that was not answered."""
        self.asked = threading.Semaphore(0)
        self._script = script
        self._left = None if callable(script) else list(script)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.address}"
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            request = read(connection)
            if request is None:
                return
            with self._lock:
                self.requests.append(request)
                answer = self._script(request) if callable(self._script) else self._next()
            self.asked.release()
            if answer.hang:
                try:
                    hung_up = connection.recv(1) == b""
                except ConnectionError:
                    hung_up = True
                if hung_up:
                    self.hung_up.set()
            elif not answer.close:
                connection.sendall(answer.text())

    def _next(self) -> Answer:
        # Whoever asks for more than it has to say is cut off, and kept among the requests.
        return self._left.pop(0) if self._left else Answer(close=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()


def read(connection: socket.socket) -> Request | None:
    """The next request; None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return Request(first.removesuffix(" HTTP/1.1"), headers, body.decode())
