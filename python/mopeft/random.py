"""The engine's random numbers (`src/config/random.ts`): xoshiro128**, seeded by splitmix32, with named streams."""

import math
from collections.abc import Sequence
from copy import copy
from typing import TypeVar

T = TypeVar("T")
WORD = 0xFFFFFFFF


def _hash_name(name: str) -> int:
    """FNV-1a of a name of ASCII letters."""
    value = 0x811C9DC5
    for letter in name:
        value = ((value ^ ord(letter)) * 0x01000193) & WORD
    return value


def _splitmix(start: int) -> list[int]:
    words, word = [], start & WORD
    for _ in range(4):
        word = (word + 0x9E3779B9) & WORD
        z = ((word ^ (word >> 16)) * 0x21F0AAAD) & WORD
        z = ((z ^ (z >> 15)) * 0x735A2D97) & WORD
        words.append(z ^ (z >> 15))
    return words


class Random:
    """One stream of a seed; the same arguments give the same draws as in the engine."""

    def __init__(self, seed: int, stream: str = "") -> None:
        first = _splitmix(seed & WORD)
        second = _splitmix(((seed >> 32) & WORD) ^ _hash_name(stream))
        self._state = [first[i] ^ second[3 - i] for i in range(4)]
        if not any(self._state):
            self._state[0] = 1

    @classmethod
    def of_state(cls, state: Sequence[int]) -> "Random":
        """The stream that had this `state`."""
        random = cls(0)
        random._state = list(state)
        return random

    @property
    def state(self) -> list[int]:
        """Four 32-bit words, from which it draws the same again."""
        return list(self._state)

    def uint32(self) -> int:
        """0 … 2³² − 1."""
        a, b, c, d = self._state
        x = (b * 5) & WORD
        x = ((x << 7) | (x >> 25)) & WORD
        t = (b << 9) & WORD
        c ^= a
        d ^= b
        self._state = [a ^ d, b ^ c, c ^ t, ((d << 11) | (d >> 21)) & WORD]
        return (x * 9) & WORD

    def ahead(self, words: int) -> "Random":
        """A copy of this stream in its present state; the stream itself then skips that many 32-bit words."""
        other = copy(self)
        other._state = list(self._state)
        for _ in range(words):
            self.uint32()
        return other

    def uniform(self) -> float:
        """[0, 1) with 53 bits."""
        high = self.uint32() >> 5
        return (high * 2**26 + (self.uint32() >> 6)) / 2**53

    def range(self, low: float, high: float) -> float:
        """[low, high)."""
        return low + (high - low) * self.uniform()

    def integer(self, n: int) -> int:
        """0 … n − 1, each equally likely."""
        limit = 2**32 - 2**32 % n
        draw = self.uint32()
        while draw >= limit:
            draw = self.uint32()
        return draw % n

    def chance(self, p: float) -> bool:
        return self.uniform() < p

    def normal(self) -> float:
        """Mean 0 and standard deviation 1."""
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())

    def shuffled(self, items: Sequence[T]) -> list[T]:
        out = list(items)
        for i in range(len(out) - 1, 0, -1):
            j = self.integer(i + 1)
            out[i], out[j] = out[j], out[i]
        return out
