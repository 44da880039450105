"""Greedy generation in float32 with a KV cache, to test a checkpoint before it is converted.

  python3 training/generate.py training/build "What is a KV cache?"
"""
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from model import Config, rope_tables, rotate
from tokenizer import END, END_OF_TEXT, Tokenizer


class Generator:
    def __init__(self, build):
        saved = torch.load(Path(build) / "model.pt")
        self.step = saved["step"]
        self.config, self.weights = Config(**saved["config"]), saved["weights"]
        self.tokenizer = Tokenizer.load(build)
        self.tables = rope_tables(self.config)
        self.stops = {self.tokenizer.ids[END], self.tokenizer.ids[END_OF_TEXT]}

    def _norm(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.config.norm_eps)

    def logits(self, ids, cache):
        """Logits after the last of `ids`; `cache` holds (k, v) [kv_heads, T, head_dim] of each layer and grows."""
        c, w, n = self.config, self.weights, len(ids)
        at = cache[0][0].shape[1] if cache else 0
        cos, sin = (t[at:at + n] for t in self.tables)
        mask = torch.full((n, at + n), float("-inf")).triu_(at + 1)
        x = w["embed"][torch.tensor(ids)]
        for i in range(c.layers):
            q, k, v = F.linear(self._norm(x), w[f"{i}.qkv"]).split((c.dim, c.kv_dim, c.kv_dim), -1)
            q, k, v = (t.view(n, -1, c.head_dim).transpose(0, 1) for t in (q, k, v))
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
            if i < len(cache):
                k, v = torch.cat((cache[i][0], k), 1), torch.cat((cache[i][1], v), 1)
                cache[i] = (k, v)
            else:
                cache.append((k, v))
            k, v = (t.repeat_interleave(c.heads // c.kv_heads, 0) for t in (k, v))
            p = torch.softmax(q @ k.transpose(1, 2) * c.head_dim ** -0.5 + mask, -1)
            x = x + F.linear((p @ v).transpose(0, 1).reshape(n, c.dim), w[f"{i}.o"])
            gate, up = F.linear(self._norm(x), w[f"{i}.gate_up"]).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, w[f"{i}.down"])
        return F.linear(self._norm(x[-1]), w["embed"])

    @torch.no_grad()
    def complete(self, ids, limit=200):
        """(text, ended by itself)."""
        cache, out, feed = [], [], list(ids)
        while len(out) < limit and len(ids) + len(out) < self.config.context:
            token = int(self.logits(feed, cache).argmax())
            if token in self.stops:
                return self.tokenizer.decode(out), True
            out.append(token)
            feed = [token]
        return self.tokenizer.decode(out), False

    def chat(self, messages, limit=200):
        return self.complete(self.tokenizer.chat(messages, reply=True)[0], limit)


if __name__ == "__main__":
    torch.set_num_threads(1)
    generator = Generator(sys.argv[1])
    for prompt in sys.argv[2:]:
        print(f"> {prompt}\n{generator.chat([{'role': 'user', 'content': prompt}])[0]}\n")
