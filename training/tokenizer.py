"""Byte-level BPE: trains merges, encodes text, and writes Hugging Face's tokenizer files.

Pre-tokenizer "smollm": every digit stands alone, the rest is split by GPT-2's expression.
"""
import collections
import json
import re
import sys
from pathlib import Path

from corpus.mix import documents

END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIALS = (END_OF_TEXT, START, END)
TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
PIECES = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def byte_letters():
    """GPT-2's table of printable stand-ins for the 256 bytes."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {b: chr(b) for b in keep}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


LETTERS = byte_letters()


def pieces(text):
    for run in re.split(r"(\d)", text):
        if len(run) == 1 and run.isdigit():
            yield run
        else:
            yield from PIECES.findall(run)


def spell(piece):
    return "".join(LETTERS[b] for b in piece.encode())


def train_merges(counts, wanted):
    """The usual greedy BPE; pair counts are kept up to date word by word."""
    words = [(list(w), n) for w, n in counts.items() if len(w) > 1]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (w, n) in enumerate(words):
        for pair in zip(w, w[1:]):
            pairs[pair] += n
            where[pair].add(i)
    merges = []
    while len(merges) < wanted:
        best = max(pairs, key=lambda p: (pairs[p], p))
        if pairs[best] < 2:
            break
        merges.append(best)
        for i in list(where[best]):
            w, n = words[i]
            for pair in zip(w, w[1:]):
                pairs[pair] -= n
            joined, j = [], 0
            while j < len(w):
                if j + 1 < len(w) and (w[j], w[j + 1]) == best:
                    joined.append(w[j] + w[j + 1])
                    j += 2
                else:
                    joined.append(w[j])
                    j += 1
            words[i] = (joined, n)
            for pair in zip(joined, joined[1:]):
                pairs[pair] += n
                where[pair].add(i)
        del pairs[best], where[best]
    return merges


class Tokenizer:
    def __init__(self, merges):
        self.merges = merges
        alphabet = sorted(LETTERS.values())
        self.tokens = [*SPECIALS, *alphabet, *(a + b for a, b in merges)]
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.ranks = {m: i for i, m in enumerate(merges)}
        self.cache = {}
        self.bytes = {c: b for b, c in LETTERS.items()}

    @classmethod
    def load(cls, folder):
        data = json.loads((Path(folder) / "tokenizer.json").read_text())
        return cls([tuple(m.split(" ")) for m in data["model"]["merges"]])

    def _piece(self, piece):
        found = self.cache.get(piece)
        if found is None:
            w = list(spell(piece))
            while len(w) > 1:
                rank, i = min((self.ranks.get(p, 1 << 30), i) for i, p in enumerate(zip(w, w[1:])))
                if rank == 1 << 30:
                    break
                w[i:i + 2] = [w[i] + w[i + 1]]
            found = self.cache[piece] = [self.ids[t] for t in w]
        return found

    def encode(self, text):
        """Plain text; special tokens in it are not recognised."""
        return [i for p in pieces(text) for i in self._piece(p)]

    def decode(self, ids):
        return bytes(self.bytes[c] for i in ids if i >= len(SPECIALS) for c in self.tokens[i]).decode(errors="replace")

    def chat(self, messages, reply=False):
        """(ids, trained): `trained` marks what the assistant says, with its end token. With `reply`
        the ids end where the assistant's next message begins."""
        ids, trained = [], []
        start, end = self.ids[START], self.ids[END]
        for m in messages:
            head, body = [start, *self.encode(f"{m['role']}\n")], [*self.encode(m["content"]), end]
            mine = m["role"] == "assistant" and m.get("train", True)
            tail = self.encode("\n")
            ids += head + body + tail
            trained += [0] * len(head) + [int(mine)] * len(body) + [0] * len(tail)
        if reply:
            head = [start, *self.encode("assistant\n")]
            ids, trained = ids + head, trained + [0] * len(head)
        return ids, trained

    def save(self, folder, context):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        added = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                 for i, t in enumerate(SPECIALS)]
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        write(folder / "tokenizer.json", {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level]},
            "post_processor": None, "decoder": {**level, "add_prefix_space": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": self.ids, "merges": [" ".join(m) for m in self.merges]}})
        write(folder / "tokenizer_config.json", {
            "add_prefix_space": False, "add_bos_token": False, "added_tokens_decoder": {str(a["id"]): {k: v for k, v in a.items() if k != "id"} for a in added},
            "bos_token": END_OF_TEXT, "eos_token": END, "pad_token": END_OF_TEXT, "unk_token": END_OF_TEXT, "chat_template": TEMPLATE,
            "clean_up_tokenization_spaces": False, "model_max_length": context, "tokenizer_class": "GPT2Tokenizer"})
        write(folder / "special_tokens_map.json", {"bos_token": END_OF_TEXT, "eos_token": END, "pad_token": END_OF_TEXT, "unk_token": END_OF_TEXT})


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def train(vocab, seed=11, count=40_000):
    counts, made = collections.Counter(), documents(seed)
    for _ in range(count):
        kind, value = next(made)
        for text in [value] if kind == "raw" else [m["content"] for m in value]:
            counts.update(p for p in pieces(text) if not p.isdigit())
    for role in ("system", "user", "assistant"):
        counts[role] += 1000
    return Tokenizer(train_merges({spell(p): n for p, n in counts.items() if n > 2}, vocab - len(SPECIALS) - 256))


if __name__ == "__main__":
    train(vocab=int(sys.argv[2])).save(sys.argv[1], context=1024)
