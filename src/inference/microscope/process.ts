/** Entry of the microscope's process: one look, and its end. */
import { giveWay } from "../../platform/niceness.ts";
import { asWireError } from "../process/wire-error.ts";
import type { LookJob } from "./job.ts";
import { look } from "./look.ts";
import type { LookNews } from "./microscope.ts";

giveWay();
process.once("message", async (job: LookJob) => {
  const news: LookNews = await look(job).then(
    (seen) => ({ type: "look", look: seen }),
    (error: unknown) => ({ type: "refused", error: asWireError(error, (text) => console.error(text)) }),
  );
  process.send?.(news, () => process.exit(0));
});
// The server is gone.
process.on("disconnect", () => process.exit(0));
