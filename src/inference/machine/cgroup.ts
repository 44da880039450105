import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Directories of the control groups that this process is in, its own first, then their parents up to the mount. */
export interface CgroupDirectories {
  readonly version: 1 | 2;
  readonly directories: readonly string[];
}

/**
 * Where a controller's limits on this process are, by `/proc/self/cgroup`: lines of `id:controllers:path`, with id 0
 * and no controllers for version 2. Empty where there are no control groups. `root` stands for `/` in tests.
 */
export function cgroupDirectories(controller: "cpu" | "memory", root = "/"): CgroupDirectories[] {
  const file = join(root, "proc/self/cgroup");
  if (!existsSync(file)) return [];
  const mount = join(root, "sys/fs/cgroup");
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line): CgroupDirectories[] => {
      const [id, names = "", path = "/"] = line.split(":");
      if (id === "0" && names === "") return [{ version: 2, directories: upwards(mount, path) }];
      if (!names.split(",").includes(controller)) return [];
      // The mount is named by all controllers that share it (cpu,cpuacct), or by one of them.
      const base = [names, controller]
        .map((name) => join(mount, name))
        .find((directory) => existsSync(directory));
      return base === undefined ? [] : [{ version: 1, directories: upwards(base, path) }];
    });
}

/** Inside a container the path is the host's and may not exist; its limits are then at the mount itself. */
function upwards(base: string, path: string): string[] {
  const directories: string[] = [];
  for (let current = path; current !== "/" && current !== "."; current = dirname(current)) {
    directories.push(join(base, current));
  }
  return [...directories, base].filter((directory) => existsSync(directory));
}

/** Content of a control file, undefined where the group has none. */
export function readControl(directory: string, name: string): string | undefined {
  const file = join(directory, name);
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}
