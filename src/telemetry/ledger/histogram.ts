/**
 * Histograms whose buckets are the same for all values and all times: those of any stretch of time are combined by adding
 * counts. Bucket b holds values in (2^((b-1)/4), 2^(b/4)]: a quantile is off by at most 9 %.
 */
const BUCKETS_PER_DOUBLING = 4;
/** For 0, and for what is too small to matter. */
const LOWEST_BUCKET = -40;

export function bucketOf(value: number): number {
  if (value <= 0) return LOWEST_BUCKET;
  return Math.max(LOWEST_BUCKET, Math.ceil(BUCKETS_PER_DOUBLING * Math.log2(value)));
}

/** Geometric middle of a bucket. */
function middleOf(bucket: number): number {
  return bucket === LOWEST_BUCKET ? 0 : 2 ** ((bucket - 0.5) / BUCKETS_PER_DOUBLING);
}

/** The value below which `share` of the values lie; undefined where there are none. */
export function quantile(counts: ReadonlyMap<number, number>, share: number): number | undefined {
  const total = counts.values().reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const wanted = share * total;
  let seen = 0;
  let found = LOWEST_BUCKET;
  for (const bucket of [...counts.keys()].toSorted((a, b) => a - b)) {
    seen += counts.get(bucket) ?? 0;
    found = bucket;
    if (seen >= wanted) break;
  }
  return middleOf(found);
}
