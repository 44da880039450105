"""Turns the generators' documents into shards of token ids: tokens, which of them are trained on, offsets."""
import sys
from pathlib import Path

import numpy as np

from corpus.mix import documents
from tokenizer import END_OF_TEXT, Tokenizer

PHASES = {2: "copying", **{i: "finishing" for i in range(6, 100)}}  # by shard
LONGEST = 1025  # the context of 1,024 and the last prediction


def build(tokenizer, seed, size, heldout=False, phase="main"):
    """Documents of `size` tokens in all."""
    ids, trained, offsets = [], [], [0]
    for kind, value in documents(seed, heldout, phase):
        if kind == "raw":
            a = [*tokenizer.encode(value), tokenizer.ids[END_OF_TEXT]]
            b = [1] * len(a)
        else:
            a, b = tokenizer.chat(value)
        if len(a) > LONGEST:
            continue
        ids += a
        trained += b
        offsets.append(len(ids))
        if len(ids) >= size:
            return {"ids": np.array(ids, np.uint16), "trained": np.array(trained, np.uint8), "offsets": np.array(offsets, np.int64)}


def main(folder, shards, size, seed=1000):
    folder = Path(folder)
    tokenizer = Tokenizer.load(folder)
    # The held-out shard comes from a seed and from entities that no training shard uses.
    np.savez(folder / "heldout.npz", **build(tokenizer, seed - 1, 200_000, heldout=True))
    for i in range(shards):
        np.savez(folder / f"shard-{i:02d}.tmp.npz", **build(tokenizer, seed + i, size, phase=PHASES.get(i, "main")))
        (folder / f"shard-{i:02d}.tmp.npz").rename(folder / f"shard-{i:02d}.npz")
        print(f"shard {i}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
