"""Muon for the matrices inside the layers, AdamW for the embedding.

Muon (Jordan et al., 2024): momentum, then the update's singular values are pushed to one by five
Newton-Schulz steps. It needs far fewer tokens than AdamW at this scale, which is what counts when
the budget is an hour of two cores.
"""
import torch


def orthogonal(m, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = m.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.t() if tall else x
    x = x / (x.float().norm() + 1e-7)
    for _ in range(steps):
        s = x @ x.t()
        x = a * x + (b * s + c * (s @ s)) @ x
    return (x.t() if tall else x).float()


def parts(name, weight, config):
    """A fused matrix is orthogonalised as the separate matrices it stands for."""
    if name.endswith(".qkv"):
        return weight.split((config.dim, config.kv_dim, config.kv_dim))
    if name.endswith(".gate_up"):
        return weight.chunk(2)
    return (weight,)


class Optimizer:
    """Updates the weights named in `names`; each worker owns its share of them."""

    def __init__(self, names, weights, config, matrix_lr, embed_lr, momentum=0.95, decay=0.1):
        self.names, self.weights, self.config = names, weights, config
        self.matrix_lr, self.embed_lr = matrix_lr, embed_lr
        self.momentum, self.decay = momentum, decay
        self.state = {n: {"m": torch.zeros_like(weights[n])} for n in names}
        if "embed" in self.state:
            self.state["embed"]["v"] = torch.zeros_like(weights["embed"])
        self.steps = 0

    def step(self, grads, scale, clip):
        """`scale` in 0..1 follows the schedule; `clip` is the factor that bounds the gradient norm."""
        self.steps += 1
        for name in self.names:
            grad = grads[name] * clip
            if name == "embed":
                self._adam(name, grad, self.embed_lr * scale)
            else:
                self._muon(name, grad, self.matrix_lr * scale)

    def _adam(self, name, grad, lr, betas=(0.9, 0.95)):
        s = self.state[name]
        s["m"].lerp_(grad, 1 - betas[0])
        s["v"].lerp_(grad.square(), 1 - betas[1])
        m = s["m"] / (1 - betas[0] ** self.steps)
        v = s["v"] / (1 - betas[1] ** self.steps)
        self.weights[name].sub_(lr * m / (v.sqrt() + 1e-8))

    def _muon(self, name, grad, lr):
        m = self.state[name]["m"]
        m.lerp_(grad, 1 - self.momentum)
        update = grad.lerp(m, self.momentum)
        weight = self.weights[name].mul_(1 - lr * self.decay)
        for w, u in zip(parts(name, weight, self.config), parts(name, update, self.config)):
            w.sub_(orthogonal(u), alpha=lr * max(1, w.shape[0] / w.shape[1]) ** 0.5)
