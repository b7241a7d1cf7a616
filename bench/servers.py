"""The lab's servers for the length of a bench, and what their own clients do there before and after the runs."""

from __future__ import annotations

import os
import subprocess
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from towpath.lab import Lab, Server
from towpath.secrets.secret import Secret


class Servers:
    """Each server is started when it is first asked for; all of them end with the block."""

    def __init__(self) -> None:
        self._lab, self._up, self._filled = Lab(), dict[str, Server](), set[tuple[str, str]]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lab.close()

    def up(self, name: str) -> Server:
        if name not in self._up:
            self._up[name] = self._lab.up(name)
        return self._up[name]

    def pid(self, name: str) -> int | None:
        return self.up(name).pid if name else None

    def told(self) -> dict[str, str]:
        return {name: server.told for name, server in self._up.items()}

    def first(self, name: str, data: str) -> bool:
        """Whether nobody asked yet about this set at this server."""
        known = (name, data) in self._filled
        self._filled.add((name, data))
        return not known

    def environment(self, name: str) -> dict[str, str]:
        """The variables by which clients find a server, its password among them."""
        shown = self.up(name).environment.items() if name else ()
        return {key: value.reveal() if isinstance(value, Secret) else value for key, value in shown}

    def password(self, name: str) -> str:
        password = self.up(name).password
        return password.reveal() if password is not None else ""

    def run(self, name: str, command: list[str], to: Path | None = None) -> str:
        """What a server's client says to a command, or "" where it goes into a file; raises when it fails."""
        environment = {**os.environ, **self.environment(name)}
        with to.open("wb") if to else nullcontext(subprocess.PIPE) as out:
            done = subprocess.run(command, env=environment, stdout=out, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
        return done.stdout or ""

    def bucket(self) -> Any:
        import boto3

        server = self.up("s3")
        return boto3.client(
            "s3", endpoint_url=f"http://{server.host}:{server.port}", aws_access_key_id=server.user,
            aws_secret_access_key=self.password("s3"), region_name="us-east-1",
        )  # fmt: skip

    def produce(self, topic: str, lines: Path) -> None:
        """A topic of one partition, with a message for each line."""
        from confluent_kafka import Producer
        from confluent_kafka.admin import AdminClient
        from confluent_kafka.cimpl import NewTopic

        server = self.up("kafka")
        login: dict[str, Any] = {"bootstrap.servers": f"{server.host}:{server.port}"}
        admin = AdminClient(login)  # which must outlive its answers
        for made in admin.create_topics([NewTopic(topic, 1, 1)]).values():
            made.result()
        producer = Producer({**login, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
        with lines.open("rb") as file:
            for at, line in enumerate(file):
                producer.produce(topic, line.rstrip(b"\n"))
                if at % 10_000 == 0:
                    producer.flush()
        producer.flush()
