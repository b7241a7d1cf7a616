"""How far a topic was read: the checkpoint by partition, and what may not have happened to the topic since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towpath.errors import Refused
from towpath.nouns import Checkpoint
from towpath.options import nearest
from towpath.seams.queue import KeepsOffsets, Queue, Span, Topic

KIND = "offsets"
_NAMED = 20
Spans = dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A topic and its offsets as they stood at one moment."""

    topic: Topic
    spans: Mapping[int, Span]

    def bound(self) -> Checkpoint:
        """The offsets that come next, once all of it is read."""
        return Checkpoint(
            KIND, {"topic": self.topic.id, "next": {str(one): span.end for one, span in self.spans.items()}}
        )

    def since(self, since: Checkpoint | None, shown: str, *, skip_deleted: bool = False) -> Spans:
        """What is newer than a checkpoint, by partition; partitions that it does not know are read from their
        beginning.

        Raises Refused for a checkpoint that is none of this topic, and, unless `skip_deleted`, where messages newer
        than it are deleted."""
        known: Mapping[str, int] = {}
        if since is not None:
            if since.kind != KIND:
                raise _foreign("the checkpoint is not one of a topic", shown)
            if since.value["topic"] != self.topic.id:
                raise _foreign("the topic was deleted and made again since it was last read", shown)
            known = since.value["next"]
        found = {}
        for number, span in self.spans.items():
            first = known.get(str(number), span.first)
            if first > span.end:
                raise _foreign(f"partition {number} ends at offset {span.end}, before the {first} read so far", shown)
            if first < span.first and not skip_deleted:
                raise _deleted(number, first, span.first, shown)
            found[number] = (max(first, span.first), span.end)
        return found


def freeze(queue: Queue, name: str, shown: str) -> Frozen:
    """The topic as it is now. Raises Refused when there is none."""
    topic = queue.topic(name)
    if topic is None:
        raise missing(queue, name, shown)
    if not isinstance(queue, KeepsOffsets):
        raise Refused("it keeps no offsets, so it cannot be read onwards", where=shown, code="mode-impossible")
    return Frozen(topic, queue.spans(name))


def missing(queue: Queue, name: str, shown: str) -> Refused:
    known = sorted(one for one in queue.topics() if not one.startswith("_"))
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return Refused(
        f"there is no such topic{nearest(name, known)}",
        where=shown,
        todo=f"its topics: {', '.join(known[:_NAMED]) or 'none'}{more}",
        code="table-missing",
    )


def _foreign(what: str, shown: str) -> Refused:
    return Refused(what, where=shown, todo="load everything anew (--full-refresh)", code="checkpoint-foreign")


def _deleted(number: int, first: int, kept: int, shown: str) -> Refused:
    """Retention took messages that were never read: which ones can be told, and what they held cannot."""
    return Refused(
        f"partition {number}: the offsets {first} to {kept - 1} were deleted before they were read",
        where=shown,
        todo="load what is kept anew (--full-refresh), or go on behind the gap: --from-opt deleted=skip (in tow.yaml "
        "deleted: skip\n  among the options), once with --accept-plan; and give the topic a longer retention",
        code="source-changed",
    )
