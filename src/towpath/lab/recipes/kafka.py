"""Kafka: Apache Kafka itself where there is Java, else noida-db, which speaks its protocol."""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Sequence

from towpath.lab.jobs import run
from towpath.lab.ports import HOST
from towpath.lab.recipe import Access, Kind, NotReady, Place, Recipe
from towpath.lab.ways.jars import Jars
from towpath.lab.ways.wheel import Wheel

_METADATA, _VERSION = 3, 1
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
controller.listener.names=CONTROLLER
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.flush.interval.messages={flush}
"""
_EACH, _WHEN_THE_SYSTEM_LIKES = 1, 9223372036854775807


class _Speaks(Recipe):
    """What everything that speaks Kafka's protocol has in common."""

    usual_port = 9092

    def answers(self, host: str, port: int) -> str:
        """Asks for the brokers, without topics: a server that works names itself."""
        request = struct.pack("!hhihi", _METADATA, _VERSION, 1, -1, 0)
        with socket.create_connection((host, port), timeout=5) as connection:
            connection.sendall(struct.pack("!i", len(request)) + request)
            said = connection.recv(4096)
        if len(said) < 12 or struct.unpack_from("!i", said, 4)[0] != 1:
            raise NotReady("what answers is not Kafka")
        if struct.unpack_from("!i", said, 8)[0] < 1:
            raise NotReady("it has no broker yet")
        return ""

    def access(self, place: Place) -> Access:
        address = f"kafka://{HOST}:{place.port}"
        return Access(address, f"{address}#orders", environment={"KAFKA_BROKER": f"{HOST}:{place.port}"})


class ApacheKafka(_Speaks):
    program = "Apache Kafka"
    kind = Kind.REAL
    ways = (
        # Without a logger of slf4j it would not say why it ends.
        Jars("kafka", "4.4.0", "org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36", java=17),
    )
    ports = 2
    start_secs = 120.0

    def prepare(self, place: Place) -> None:
        flush = _EACH if place.durable else _WHEN_THE_SYSTEM_LIKES
        port, controller = place.ports
        text = _PROPERTIES.format(host=HOST, port=port, controller=controller, folder=place.folder, flush=flush)
        settings = place.note("server.properties", text)
        # The zero keeps it from beginning with a dash, which the tool would take for an option.
        cluster = base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode().rstrip("=")
        format = ["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", str(settings)]
        run(self._java(place, "-XX:TieredStopAtLevel=1", *format), folder=place.folder)

    def command(self, place: Place) -> Sequence[str]:
        options = ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        return self._java(place, *options, "kafka.Kafka", str(place.folder / "server.properties"))

    def _java(self, place: Place, *words: str) -> list[str]:
        return ["java", "-cp", f"{place.build.home}/*", *words]


class NoidaDB(_Speaks):
    program = "noida-db"
    kind = Kind.REIMPLEMENTATION
    survives_kill = False  # it writes its data when it stops in good order
    ways = (Wheel("noida-db", "0.2.3", "noida_db"),)

    def prepare(self, place: Place) -> None:
        (place.folder / "data").mkdir()

    def command(self, place: Place) -> Sequence[str]:
        # Its other protocols stay off: one of them can take the whole process down.
        options = ["--data-dir", str(place.folder / "data"), "--only", "kafka", "--kafka-port", str(place.port)]
        return [str(place.build.home / "noida-db"), "start", *options]


RECIPES = (ApacheKafka(), NoidaDB())
