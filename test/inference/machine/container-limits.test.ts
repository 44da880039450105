import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { usableCores } from "../../../src/inference/machine/cpu-limit.ts";
import { availableMemory } from "../../../src/inference/machine/memory.ts";

/* Containers of either kind can't be made here, so their files are, under a root of the test's own. */

const GiB = 2 ** 30;
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "llm-server-cgroup-"));
  write("proc/meminfo", `MemTotal: 33554432 kB\nMemAvailable: ${16 * 2 ** 20} kB\n`);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

test("without control groups the machine's own numbers count", () => {
  assert.equal(usableCores(root, 8), 8);
  assert.equal(availableMemory(root), 16 * GiB);
});

test("version 2 limits of the group and of its parents count, the tightest of them", () => {
  write("proc/self/cgroup", "0::/pods/one\n");
  write("sys/fs/cgroup/cpu.max", "max 100000");
  write("sys/fs/cgroup/pods/cpu.max", "350000 100000");
  write("sys/fs/cgroup/pods/one/cpu.max", "max 100000");
  write("sys/fs/cgroup/pods/one/memory.max", String(4 * GiB));
  write("sys/fs/cgroup/pods/one/memory.current", String(3 * GiB));
  write("sys/fs/cgroup/pods/one/memory.stat", `anon 5\ninactive_file ${GiB}\n`);
  assert.equal(usableCores(root, 8), 3);
  assert.equal(availableMemory(root), 2 * GiB);
});

test("version 1 limits count, in a mount that controllers share", () => {
  write("proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  // Inside a container the path is the host's: the limits are at the mount itself.
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", String(GiB));
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", String(GiB / 4));
  assert.equal(usableCores(root, 8), 1);
  assert.equal(availableMemory(root), (3 * GiB) / 4);
});

test("unlimited groups limit nothing", () => {
  write("proc/self/cgroup", "2:memory:/\n1:cpu:/\n0::/\n");
  write("sys/fs/cgroup/cpu.max", "max 100000");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  write("sys/fs/cgroup/memory.max", "max");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000");
  assert.equal(usableCores(root, 8), 8);
  assert.equal(availableMemory(root), 16 * GiB);
});

test("a quota below one core still leaves a thread", () => {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "50000 100000");
  assert.equal(usableCores(root, 8), 1);
});
