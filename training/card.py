"""Puts the measured figures into the model card: the text between its markers, and the loss curve as SVG."""
import json
import math
import re
import sys
from pathlib import Path


def rows_of(build):
    return [json.loads(line) for line in (Path(build) / "train.jsonl").read_text().splitlines()]


def loss_table(rows, count=12):
    picked = [rows[round(i * (len(rows) - 1) / (count - 1))] for i in range(count)]
    lines = ["| step | tokens | minutes | learning rate | training loss |", "| ---: | ---: | ---: | ---: | ---: |"]
    lines += [f"| {r['step']:,} | {r['tokens'] / 1e6:.1f} M | {r['seconds'] / 60:.0f} | {r['lr']:.2f} | {r['loss']:.3f} |" for r in picked]
    return "\n".join(lines)


def accuracy_table(report):
    lines = ["| category | right |", "| --- | ---: |"]
    lines += [f"| {name} | {100 * value:.0f} % |" for name, value in report["accuracy"].items()]
    return "\n".join(lines)


def judge_line(report):
    j = report["judge"]
    return (f"Judge scores of {j['scores']} held-out responses: exact {100 * j['exact']:.0f} %, within one point {100 * j['within_one']:.0f} %, "
            f"correlation with the intended score {j['correlation']:.2f}.")


def curve(rows, width=640, height=280, left=48, bottom=36, top=12):
    """Loss over tokens; the vertical axis is logarithmic."""
    last, high, low = rows[-1]["tokens"], max(r["loss"] for r in rows), min(r["loss"] for r in rows)
    ticks = [t for t in (8, 4, 2, 1, 0.5, 0.25, 0.125) if low * 0.9 <= t <= high * 1.1]

    def x(tokens):
        return left + (width - left - 12) * tokens / last

    def y(loss):
        return top + (height - bottom - top) * math.log(high / loss) / math.log(high / (low * 0.9))

    grid = "".join(f'<line x1="{left}" x2="{width - 12}" y1="{y(t):.1f}" y2="{y(t):.1f}" stroke="#ddd"/><text x="{left - 6}" y="{y(t) + 4:.1f}" text-anchor="end">{t:g}</text>' for t in ticks)
    step = 5e6 if last > 1e7 else 2e6
    marks = "".join(f'<text x="{x(i * step):.1f}" y="{height - bottom + 18}" text-anchor="middle">{i * step / 1e6:.0f} M</text>' for i in range(int(last // step) + 1))
    line = " ".join(f"{x(r['tokens']):.1f},{y(r['loss']):.1f}" for r in rows)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="#444">'
            f'<rect width="{width}" height="{height}" fill="#fff"/>{grid}{marks}<polyline points="{line}" fill="none" stroke="#2463eb" stroke-width="1.5"/>'
            f'<text x="{width / 2}" y="{height - 4}" text-anchor="middle">tokens</text></svg>\n')


def fill(text, name, value):
    return re.sub(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m: m[1] + value + "\n" + m[2], text, flags=re.S)


def main(build, folder):
    rows, report = rows_of(build), json.loads((Path(build) / "evaluation.json").read_text())
    card = Path(folder) / "MODEL_CARD.md"
    text = fill(card.read_text(), "loss", loss_table(rows))
    text = fill(text, "heldout", f"Held-out loss: {report['heldout_loss']:.3f} nats per assistant token, after {rows[-1]['tokens'] / 1e6:.1f} M tokens in "
                f"{rows[-1]['seconds'] / 60:.0f} minutes ({rows[-1]['step']:,} steps).")
    text = fill(text, "accuracy", f"{accuracy_table(report)}\n\n{report['each']} prompts a category. {judge_line(report)}")
    card.write_text(text)
    (Path(folder) / "loss.svg").write_text(curve(rows))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
