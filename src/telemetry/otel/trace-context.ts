/** A request's place in a caller's trace: W3C Trace Context, `traceparent`. */
export interface TraceContext {
  readonly traceId: string;
  readonly parentSpanId: string;
  /** Whether the trace's originator records it. */
  readonly isSampled: boolean;
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for a header that is absent or not valid, as the recommendation says: the trace then begins here. */
export function readTraceparent(header: string | undefined): TraceContext | undefined {
  const [, version, traceId, parentSpanId, flags, rest] = pattern.exec(header?.trim() ?? "") ?? [];
  if (version === undefined || traceId === undefined || parentSpanId === undefined) return undefined;
  const isValid = version !== "ff" && !(version === "00" && rest !== undefined);
  if (!isValid || /^0+$/.test(traceId) || /^0+$/.test(parentSpanId)) return undefined;
  return { traceId, parentSpanId, isSampled: (Number.parseInt(flags ?? "00", 16) & 1) === 1 };
}
