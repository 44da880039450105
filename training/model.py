"""The decoder: Llama's architecture, written for speed on a CPU without fused kernels.

Matrix products run in bfloat16 (twice float32's speed where the CPU has AVX-512 BF16), the residual
stream and the master weights stay float32. RMSNorm has no learned gain: the next matrix absorbs it,
and the exported checkpoint holds ones.
"""
import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Config:
    vocab: int = 2048
    dim: int = 256
    layers: int = 6
    heads: int = 8
    kv_heads: int = 4
    ffn: int = 512
    context: int = 1024
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self):
        return self.dim // self.heads

    @property
    def kv_dim(self):
        return self.kv_heads * self.head_dim

    def to_dict(self):
        return asdict(self)


def shapes(c):
    """Name -> shape. q, k and v are one matrix, as are gate and up: fewer, larger products."""
    out = {"embed": (c.vocab, c.dim)}
    for i in range(c.layers):
        out[f"{i}.qkv"] = (c.dim + 2 * c.kv_dim, c.dim)
        out[f"{i}.o"] = (c.dim, c.dim)
        out[f"{i}.gate_up"] = (2 * c.ffn, c.dim)
        out[f"{i}.down"] = (c.dim, c.ffn)
    return out


def initial(c, seed):
    """Projections back into the residual stream start at zero, so each layer starts as identity."""
    g = torch.Generator().manual_seed(seed)
    out = {}
    for name, shape in shapes(c).items():
        w = torch.randn(shape, generator=g)
        if name.endswith((".o", ".down")):
            w.zero_()
        else:
            w.mul_(0.02 if name == "embed" else 0.6 / math.sqrt(shape[1]))
        out[name] = w
    return out


class RmsNorm(torch.autograd.Function):
    """float32 in, bfloat16 out; the hand-written backward makes fewer passes over memory."""

    @staticmethod
    def forward(ctx, x, eps):
        r = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        n = x * r
        ctx.save_for_backward(n, r)
        return n.bfloat16()

    @staticmethod
    def backward(ctx, dy):
        n, r = ctx.saved_tensors
        dy = dy.float()
        return (dy - n * (dy * n).mean(-1, keepdim=True)).mul_(r), None


class SwiGlu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gu):
        g, u = gu.chunk(2, -1)
        s = torch.sigmoid(g)
        ctx.save_for_backward(g, u, s)
        return s * g * u

    @staticmethod
    def backward(ctx, dy):
        g, u, s = ctx.saved_tensors
        a = g * s
        return torch.cat((dy * u * (s + a * (1 - s)), dy * a), -1)


def rope_tables(c, length=None):
    """cos and sin, [context, head_dim], in Hugging Face's rotate_half layout."""
    inv = c.rope_base ** (-torch.arange(0, c.head_dim, 2).float() / c.head_dim)
    angle = torch.outer(torch.arange(length or c.context).float(), inv)
    angle = torch.cat((angle, angle), -1)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def attention(qkv, c, cos, sin, mask):
    """qkv [B, T, dim + 2 kv_dim] -> [B, T, dim]. Query heads that share a key head are stacked
    along time, so grouped attention is one batched product and nothing is repeated in memory."""
    b, t, _ = qkv.shape
    rep = c.heads // c.kv_heads
    q, k, v = qkv.split((c.dim, c.kv_dim, c.kv_dim), -1)
    q = rotate(q.view(b, t, c.heads, c.head_dim), cos, sin)
    k = rotate(k.view(b, t, c.kv_heads, c.head_dim), cos, sin)
    q = q.view(b, t, c.kv_heads, rep, c.head_dim).permute(0, 2, 3, 1, 4).reshape(b * c.kv_heads, rep * t, c.head_dim)
    k = k.permute(0, 2, 1, 3).reshape(b * c.kv_heads, t, c.head_dim)
    v = v.reshape(b, t, c.kv_heads, c.head_dim).permute(0, 2, 1, 3).reshape(b * c.kv_heads, t, c.head_dim)
    scores = torch.bmm(q * c.head_dim ** -0.5, k.transpose(1, 2))
    scores = scores.view(-1, rep, t, t) + mask
    p = torch.softmax(scores, -1).view(-1, rep * t, t)
    y = torch.bmm(p, v).view(b, c.kv_heads, rep, t, c.head_dim)
    return y.permute(0, 3, 1, 2, 4).reshape(b, t, c.dim)


def hidden(w, c, tokens, tables):
    """Final normalised states [B, T, dim] in bfloat16. `w` holds bfloat16 weights."""
    t = tokens.shape[1]
    cos, sin = (x[:t, None, :].bfloat16() for x in tables)
    mask = torch.full((t, t), float("-inf")).triu_(1).bfloat16()
    x = F.embedding(tokens, w["embed"]).float()
    for i in range(c.layers):
        h = F.linear(RmsNorm.apply(x, c.norm_eps), w[f"{i}.qkv"])
        x = x + F.linear(attention(h, c, cos, sin, mask), w[f"{i}.o"])
        h = F.linear(RmsNorm.apply(x, c.norm_eps), w[f"{i}.gate_up"])
        x = x + F.linear(SwiGlu.apply(h), w[f"{i}.down"])
    return RmsNorm.apply(x, c.norm_eps)


def loss_sum(w, c, tokens, select, tables):
    """Summed cross-entropy of the next-token predictions at `select` (bool [B, T-1]). Logits are
    computed only there: prompts are mostly not trained on, so most of the head's work is saved."""
    h = hidden(w, c, tokens[:, :-1], tables)[select]
    logits = F.linear(h, w["embed"]).float()
    return F.cross_entropy(logits, tokens[:, 1:][select], reduction="sum")
