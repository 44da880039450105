"""Trains the model: two workers take micro-batches from a shared counter, so that a busy neighbour
on one core slows the run only by that core's share. The learning rate follows the wall clock:
`--minutes` is the budget, and the rate reaches zero at its end.
"""
import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing as mp

from model import Config, initial, loss_sum, rope_tables, shapes
from optimizer import Optimizer

PROMPT_SHARE = 0.08  # of the prompt's tokens that are predicted too, so that the model learns its language


def micro_batches(shard, tokens, seed):
    """Documents of similar length together, `tokens` padded positions each, in random order."""
    rng = np.random.default_rng(seed)
    data = np.load(shard)
    ids, trained, offsets = data["ids"], data["trained"], data["offsets"]
    lengths = np.diff(offsets)
    order = np.argsort(lengths + rng.uniform(0, 0.1, len(lengths)) * lengths)
    batches, current = [], []
    for i in order:
        if current and (len(current) + 1) * max(lengths[i], lengths[current[-1]]) > tokens:
            batches.append(current)
            current = []
        current.append(i)
    batches.append(current)
    rng.shuffle(batches)
    for batch in batches:
        width = max(lengths[i] for i in batch)
        x = np.zeros((len(batch), width), np.int64)
        pick = np.zeros((len(batch), width), bool)
        for row, i in enumerate(batch):
            a, b = offsets[i], offsets[i + 1]
            x[row, :b - a] = ids[a:b]
            pick[row, :b - a] = (trained[a:b] == 1) | (rng.random(b - a) < PROMPT_SHARE)
        pick[:, 0] = False
        yield torch.from_numpy(x), torch.from_numpy(pick[:, 1:])


def steps(folder, micro, per_step, seed):
    """Endless: lists of `per_step` micro-batches; starts again from the first shard when all are used."""
    epoch = 0
    while True:
        pending = []
        for i, shard in enumerate(sorted(Path(folder).glob("shard-??.npz"))):
            for batch in micro_batches(shard, micro, seed + 1000 * epoch + i):
                pending.append(batch)
                if len(pending) == per_step:
                    yield pending
                    pending = []
        epoch += 1


class Shared:
    """What both workers see: flat float32 weights, a flat gradient and a loss for each worker."""

    def __init__(self, config, workers):
        self.sizes = {n: math.prod(s) for n, s in shapes(config).items()}
        total = sum(self.sizes.values())
        self.weights = torch.zeros(total).share_memory_()
        self.grads = [torch.zeros(total).share_memory_() for _ in range(workers)]
        self.loss = torch.zeros(workers).share_memory_()
        self.norm = torch.zeros(workers).share_memory_()
        self.scale = torch.zeros(1).share_memory_()
        self.next = mp.Value("i", 0)
        self.barrier = mp.Barrier(workers)

    def views(self, flat, config):
        out, at = {}, 0
        for name, shape in shapes(config).items():
            out[name] = flat[at:at + self.sizes[name]].view(shape)
            at += self.sizes[name]
        return out


def owned(config, worker, workers):
    """Matrices are dealt out so that both workers have about the same work to update them."""
    return list(shapes(config))[worker::workers]


def schedule(progress):
    """Warm up for 1 %, hold, then fall to zero over the last 55 %."""
    return min(1.0, progress / 0.01, max(0.0, (1 - progress) / 0.55))


def run(worker, args, config, shared, resume):
    torch.set_num_threads(1)
    workers, tables = len(shared.grads), rope_tables(config)
    weights = shared.views(shared.weights, config)
    grads = [shared.views(g, config) for g in shared.grads]
    names = owned(config, worker, workers)
    optimizer = Optimizer(names, weights, config, args.matrix_lr, args.embed_lr)
    step = seconds = tokens = 0
    recent = []
    if resume:
        optimizer.state, optimizer.steps = resume["optimizer"][worker], resume["step"]
        step, seconds, tokens = resume["step"], resume["seconds"], resume["tokens"]
    began, saved, log = time.time() - seconds, time.time(), open(Path(args.folder) / "train.jsonl", "a") if worker == 0 else None
    for at, batches in enumerate(steps(args.folder, args.micro, args.per_step, args.seed)):
        if at < step:
            continue  # resumed: these were trained on already
        if worker == 0:
            shared.scale[0] = schedule((time.time() - began) / (60 * args.minutes))
            shared.next.value = 0
        shared.barrier.wait()
        count = sum(int(pick.sum()) for _, pick in batches)
        half = {n: w.bfloat16().requires_grad_() for n, w in weights.items()}
        shared.grads[worker].zero_()
        shared.loss[worker] = 0
        while True:
            with shared.next.get_lock():
                mine = shared.next.value
                shared.next.value += 1
            if mine >= len(batches):
                break
            loss = loss_sum(half, config, *batches[mine], tables) / count
            loss.backward()
            shared.loss[worker] += loss.item()
            for n, w in half.items():
                grads[worker][n] += w.grad
                w.grad = None
        shared.barrier.wait()
        total = {n: sum(g[n] for g in grads) for n in names}
        shared.norm[worker] = sum(g.square().sum() for g in total.values())
        shared.barrier.wait()
        optimizer.step(total, shared.scale.item(), min(1.0, args.clip / (shared.norm.sum().sqrt().item() + 1e-6)))
        step += 1
        tokens += sum(x.numel() for x, _ in batches)
        recent.append(shared.loss.sum().item())
        done = shared.scale.item() == 0 and step > 10
        if worker == 0 and (step % 20 == 0 or done):
            seconds = time.time() - began
            row = {"step": step, "tokens": tokens, "seconds": round(seconds), "loss": round(sum(recent) / len(recent), 4),
                   "norm": round(shared.norm.sum().sqrt().item(), 3), "lr": round(shared.scale.item(), 4), "speed": round(tokens / seconds)}
            log.write(json.dumps(row) + "\n")
            log.flush()
            recent.clear()
        shared.barrier.wait()
        if done or step % args.save_every == 0:
            torch.save(optimizer.state, Path(args.folder) / f"optimizer-{worker}.pt")
            if worker == 0:
                torch.save({"config": config.to_dict(), "weights": {n: w.clone() for n, w in weights.items()}, "step": step,
                            "seconds": time.time() - began, "tokens": tokens, "args": vars(args)}, Path(args.folder) / "model.pt")
            shared.barrier.wait()
        if done:
            return


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--folder", default="training/build")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--layers", type=int, default=6)
    p.add_argument("--ffn", type=int, default=512)
    p.add_argument("--dim", type=int, default=256)
    p.add_argument("--micro", type=int, default=2048, help="padded tokens of a micro-batch")
    p.add_argument("--per-step", type=int, default=4, help="micro-batches of a step")
    p.add_argument("--matrix-lr", type=float, default=0.02)
    p.add_argument("--embed-lr", type=float, default=0.004)
    p.add_argument("--clip", type=float, default=1.0)
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--save-every", type=int, default=200)
    p.add_argument("--resume", action="store_true")
    args = p.parse_args()
    torch.set_num_threads(1)
    config = Config(dim=args.dim, layers=args.layers, ffn=args.ffn, heads=args.dim // 32, kv_heads=args.dim // 64)
    shared, resume = Shared(config, args.workers), None
    for name, view in shared.views(shared.weights, config).items():
        view.copy_(initial(config, args.seed)[name])
    if args.resume:
        resume = torch.load(Path(args.folder) / "model.pt")
        resume["optimizer"] = [torch.load(Path(args.folder) / f"optimizer-{i}.pt") for i in range(args.workers)]
        for name, view in shared.views(shared.weights, config).items():
            view.copy_(resume["weights"][name])
    mp.start_processes(run, (args, config, shared, resume), nprocs=args.workers, start_method="fork")


if __name__ == "__main__":
    main()
