"""An emulator of what goes wrong between us and an S3 server: it stands before a real one, counts what passes, cuts
answers, loses them, and can make the server look like one that ignores conditions."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.s3kit import S3Place

_CONDITIONS = ("if-match", "if-none-match")
_OF_CONNECTION = ("connection", "expect", "transfer-encoding")


@dataclass(slots=True)
class Passed:
    """One request: `sent` counts the bytes of its answer's body that went to the client."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    sent: int = 0


class Between:
    """Listens on a port of its own. `ignores`: methods whose conditions never reach the server. `cut`: after how many
    bytes of a body the next long answer ends. `loses`: whether the answer to a request (method, path) is lost. `down`:
    no request comes through. `holds`: whether a request waits on its way until `let_go` is set; `held` is set then."""

    def __init__(self, place: S3Place) -> None:
        self.place = place
        self.passed: list[Passed] = []
        self.ignores: set[str] = set()
        self.cut: int | None = None
        self.down = False
        self.holds: Callable[[str, str], bool] = lambda method, path: False
        self.held, self.let_go = threading.Event(), threading.Event()
        self.loses: Callable[[str, str], bool] = lambda method, path: False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.between = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def bytes_read(self) -> int:
        return sum(one.sent for one in self.passed if one.method == "GET")

    def __enter__(self) -> Between:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def signed(self, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, str]:
        """The headers without their conditions: a new signature is needed."""
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        server = self.place.server
        kept = {name: value for name, value in headers.items() if name.lower() not in (*_CONDITIONS, "authorization")}
        kept["Host"] = f"{server.host}:{server.port}"
        request = AWSRequest(method, f"http://{server.host}:{server.port}{path}", kept, body)
        S3SigV4Auth(Credentials(server.user, server.password.reveal()), "s3", "us-east-1").add_auth(request)
        return dict(request.headers.items())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        between: Between = self.server.between  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_CONNECTION}
        if between.down:
            self.close_connection = True
            return
        if between.holds(self.command, self.path):
            between.held.set()
            between.let_go.wait(60)
        if self.command in between.ignores:
            headers = between.signed(self.command, self.path, headers, body)
        connection = http.client.HTTPConnection(between.place.server.host, between.place.server.port, timeout=30)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            if between.loses(self.command, self.path):
                answer.read()
                self.close_connection = True
                return
            between.passed.append(Passed(self.command, self.path, dict(self.headers.items()), answer.status))
            self._answer(between, answer, between.passed[-1])
        finally:
            connection.close()

    def _answer(self, between: Between, answer: http.client.HTTPResponse, passed: Passed) -> None:
        self.send_response_only(answer.status)
        length = answer.getheader("Content-Length")
        data = b"" if length is not None else answer.read()
        for name, value in answer.getheaders():
            if name.lower() not in (*_OF_CONNECTION, "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", length if length is not None else str(len(data)))
        self.end_headers()
        limit = between.cut if between.cut is not None and int(length or 0) > between.cut else None
        try:
            while piece := data or answer.read(1 << 16):
                data = b""
                piece = piece if limit is None else piece[: limit - passed.sent]
                self.wfile.write(piece)
                passed.sent += len(piece)
                if passed.sent == limit:
                    between.cut = None
                    self.close_connection = True
                    break
        except OSError:  # the client has seen enough
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests print what they want to know."""
