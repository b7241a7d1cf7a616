"""What may happen to bytes on their way: cuts, flips, blocks that are lost, doubled or swapped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.attacks.share import Attack

BLOCK = 4096


@dataclass(frozen=True)
class Damage:
    """`kind` at the byte `at`; `by` is what the byte is combined with, or the place of the other block."""

    kind: str
    at: int
    by: int = 0

    def done_to(self, data: bytes) -> bytes:
        size = block(data)
        head, here, tail = data[: self.at], data[self.at : self.at + size], data[self.at + size :]
        match self.kind:
            case "cut":
                return head
            case "flip":
                return head + bytes([data[self.at] ^ self.by]) + data[self.at + 1 :]
            case "zeroed":
                return head + bytes(len(here)) + tail
            case "doubled":
                return head + here + here + tail
            case "lost":
                return head + tail
            case "swapped":
                other = data[self.by : self.by + size]
                return head + other + data[self.at + size : self.by] + here + data[self.by + size :]
            case "longer":
                return data + random.Random(self.by).randbytes(self.at % 64 + 1)
        raise AssertionError(self.kind)


def block(data: bytes) -> int:
    """A disk's block, or an eighth of a file that has no eight of them."""
    return max(min(BLOCK, len(data) // 8), 1)


def damages(data: bytes, name: str, attack: Attack, *, flips: int = 1000) -> list[Damage]:
    """The share of 200 cuts, `flips` changed bytes (half of them by one bit), and 200 damaged blocks; each changes the
    data."""
    chance = attack.random(name)
    made = [Damage("cut", chance.randrange(len(data))) for _ in range(attack.times(200, least=5))]
    for number in range(attack.times(flips, least=20)):
        by = 1 << chance.randrange(8) if number % 2 else chance.randrange(1, 256)
        made.append(Damage("flip", chance.randrange(len(data)), by))
    return made + list(_blocks(data, chance, attack.times(200, least=5)))


def _blocks(data: bytes, chance: random.Random, count: int) -> Iterator[Damage]:
    size = block(data)
    places = range(0, len(data) - size + 1, size)
    for number in range(count):
        kind = ("zeroed", "doubled", "lost", "swapped", "longer")[number % 5]
        at, by = sorted(chance.sample(places, 2))
        found = Damage(kind, at, by)
        if found.done_to(data) != data:
            yield found
