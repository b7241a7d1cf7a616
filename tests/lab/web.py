"""Recipes that need nothing but Python."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from towpath.lab.ports import HOST
from towpath.lab.recipe import Access, Build, Kind, Place, Recipe
from towpath.lab.recipes.s3 import SeaweedFS

_SERVER = """
import http.server, sys
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open("child", "w").write(str(child.pid))
"""


class Here:
    """A way that always works."""

    title = "this Python"

    def here(self) -> Build | None:
        return Build(Path(sys.executable).parent, "1.0", self.title)

    def hindrance(self) -> str:
        return ""

    def fetch(self) -> Build:
        raise AssertionError("it is here")


class Web(Recipe):
    """A web server."""

    program = "Web"
    kind = Kind.REIMPLEMENTATION
    ways = (Here(),)
    usual_port = 80

    def prepare(self, place: Place) -> None:
        place.note("index.html", "hello")

    def command(self, place: Place) -> Sequence[str]:
        return [sys.executable, "-c", _SERVER, str(place.port)]

    def answers(self, host: str, port: int) -> str:
        return SeaweedFS().answers(host, port)  # plain HTTP

    def access(self, place: Place) -> Access:
        address = f"http://{place.user}:{place.password.reveal()}@{HOST}:{place.port}/"
        return Access(address, f"{address}index.html")


class Family(Web):
    """A web server with a child that does not end when it does, in a session of its own."""

    def command(self, place: Place) -> Sequence[str]:
        python, option, code, port = super().command(place)
        return [python, option, _CHILD + code, port]
