#!/usr/bin/env bash
# Makes the built-in model from nothing: text, tokenizer, weights, checkpoint, GGUF.
#
# Needs Python 3 with PyTorch (Debian: python3-torch, libopenblas0-pthread) and Node 24.
# MINUTES is the training's wall-clock budget; the learning rate reaches zero at its end.
set -euo pipefail
cd "$(dirname "$0")"
build=build
minutes=${MINUTES:-77}
python=${PYTHON:-/usr/bin/python3}

# One thread a worker; large blocks stay in the heap, so that pages aren't faulted in at every step.
run() {
  env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OMP_NUM_THREADS=1 \
    MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=2000000000 nice -n 19 "$python" "$@"
}

# Better now than after the hour that the steps before the training's end take.
run -c 'import numpy, torch' ||
  { echo "Training needs PyTorch and NumPy for $python (Debian: apt-get install python3-torch libopenblas0-pthread)." >&2; exit 1; }

mkdir -p "$build"
rm -f "$build"/train.jsonl
run tokenizer.py "$build" 2048
run dataset.py "$build" 16 2000000
run train.py --folder "$build" --minutes "$minutes"
run evaluate.py "$build" 25
run export.py "$build" "$build/checkpoint"
node ../src/main.ts convert "$build/checkpoint" ../src/models/builtin/builtin.gguf --name "llm-server builtin"
run card.py "$build" ../src/models/builtin
