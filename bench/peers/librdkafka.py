"""The Kafka client by hand: all messages of a topic, to nowhere, and through pyarrow's JSON reader to Parquet."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow.json
import pyarrow.parquet as pq
from confluent_kafka import Consumer, TopicPartition

Spec = dict[str, Any]


def _messages(spec: Spec) -> Iterator[list[bytes]]:
    consumer = Consumer({"bootstrap.servers": spec["broker"], "group.id": "bench", "enable.auto.commit": False})
    ends = {
        at: consumer.get_watermark_offsets(TopicPartition(spec["topic"], at))[1]
        for at in consumer.list_topics(spec["topic"]).topics[spec["topic"]].partitions
    }
    consumer.assign([TopicPartition(spec["topic"], at, 0) for at in ends])
    left = sum(ends.values())
    while left:
        block = consumer.consume(10_000, 0.1)
        left -= len(block)
        if block:
            yield [message.value() or b"" for message in block]
    consumer.close()


def kafka_to_nowhere(spec: Spec) -> None:
    for _ in _messages(spec):
        pass


def kafka_to_parquet(spec: Spec) -> None:
    writer = None
    for block in _messages(spec):
        rows = pyarrow.json.read_json(io.BytesIO(b"\n".join(block)))
        if writer is None:
            writer = pq.ParquetWriter(spec["to"], rows.schema, compression="zstd", compression_level=3)
        writer.write_table(rows)
    if writer is not None:
        writer.close()
