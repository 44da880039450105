import { resolveModel } from "../../src/models/resolve.ts";

/** A process that makes one model ready, for tests of several at once: `SPEC OPTIONS-AS-JSON`; prints the path. */
const [spec, options = "{}"] = process.argv.slice(2);
const model = await resolveModel(spec, JSON.parse(options));
console.log(model.path);
