"""Held-out evaluation: loss, and greedy answers by category with entities, strings and sums never trained on.

Exact match is asked for wherever there is one right answer. Tables of fixed knowledge (explain,
general, smalltalk) have no unseen facts: there the wording is new, the fact is not.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch

from corpus.mix import CATEGORIES, document
from corpus.source import Source
from generate import Generator
from model import loss_sum, rope_tables


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def sentence_count(text):
    return sum(text.count(stop + " ") for stop in ".!?") + text.rstrip().endswith((".", "!", "?"))


def right(category, messages, answer, ended):
    wanted = messages[-1]["content"]
    if not ended:
        return False
    if category == "json":
        value, target = parsed(answer), parsed(wanted)
        if messages[-2]["content"].startswith(("Invent", "Describe", "Make up", "Create")):
            return isinstance(value, dict) and list(value) == list(target)
        if messages[-2]["content"].startswith("Give me a JSON array"):
            return isinstance(value, list) and len(value) == len(target)
        return value == target and value is not None
    if category == "stories":
        return sentence_count(answer) >= 4
    return answer.strip() == wanted.strip()


def judged(pairs):
    """Agreement of scores: exact, within one, and Pearson's correlation."""
    a, b = np.array(pairs, float).T
    return {"scores": len(pairs), "exact": float((a == b).mean()), "within_one": float((abs(a - b) <= 1).mean()), "correlation": float(np.corrcoef(a, b)[0, 1])}


def heldout_loss(generator, build, documents=400):
    """Mean cross-entropy of the assistant's tokens, in nats."""
    data = np.load(Path(build) / "heldout.npz")
    half = {n: w.bfloat16() for n, w in generator.weights.items()}
    tables, total, count = rope_tables(generator.config), 0.0, 0
    with torch.no_grad():
        for i in range(documents):
            a, b = data["offsets"][i], data["offsets"][i + 1]
            x = torch.from_numpy(data["ids"][a:b].astype(np.int64))[None]
            pick = torch.from_numpy(data["trained"][a:b] == 1)[None, 1:]
            if pick.any():
                total += loss_sum(half, generator.config, x, pick, tables).item()
                count += int(pick.sum())
    return total / count


def main(build, each, seed=424242):
    torch.set_num_threads(1)
    generator = Generator(build)
    report = {"step": generator.step, "heldout_loss": round(heldout_loss(generator, build), 4), "each": each, "accuracy": {}}
    wrong, scores = [], []
    for category in CATEGORIES:
        source, hits = Source(f"{seed}-{category}", heldout=True), 0
        for _ in range(each):
            messages = document(source, category)[1]
            answer, ended = generator.chat(messages[:-1])
            if right(category, messages, answer, ended):
                hits += 1
            else:
                wrong.append({"category": category, "prompt": messages[-2]["content"], "wanted": messages[-1]["content"], "got": answer})
            target = parsed(messages[-1]["content"]) if category == "judgement" else None
            value = parsed(answer) if isinstance(target, dict) else None
            if isinstance(value, dict) and isinstance(value.get("score"), int):
                scores.append((value["score"], target["score"]))
        report["accuracy"][category] = round(hits / each, 3)
        print(f"{category:16} {hits / each:.3f}", flush=True)
    report["judge"] = {k: round(v, 3) for k, v in judged(scores).items()} if len(scores) > 2 else None
    (Path(build) / "evaluation.json").write_text(json.dumps(report, indent=2) + "\n")
    (Path(build) / "wrong.json").write_text(json.dumps(wrong, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50)
