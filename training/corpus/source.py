"""Seeded chance with a held-out side: entities, strings and sums of the test are never trained on."""
import random
import zlib


class Source(random.Random):
    def __init__(self, seed, heldout=False):
        super().__init__(seed)
        self.heldout = heldout

    def mine(self, text):
        """Every tenth entity, chosen by its own hash, belongs to the held-out side."""
        return (zlib.crc32(text.encode()) % 10 == 0) == self.heldout

    def entity(self, make):
        """Draws until the entity is of this side. `make` is a list or a function of the source."""
        while True:
            value = make(self) if callable(make) else self.choice(make)
            if self.mine(str(value)):
                return value

    def entities(self, make, count):
        out = []
        while len(out) < count:
            value = self.entity(make)
            if value not in out:
                out.append(value)
        return out

    def chance(self, p):
        return self.random() < p


def user(text):
    return {"role": "user", "content": text}


def assistant(text):
    return {"role": "assistant", "content": text}


def system(text):
    return {"role": "system", "content": text}


def turn(question, answer):
    return [user(question), assistant(answer)]
