import type { TimelineStep } from "../../../src/telemetry/steps/timeline.ts";
import type { Axis, Stretch } from "./axis.ts";
import type { LaneMap } from "./lane-map.ts";

/** Heights in CSS pixels. */
export const STRIP = 72;
export const QUEUE = 24;
export const LANE = 14;
export const GAP = 10;
/** Steps whose sequences are drawn where many share a pixel: enough to see who was there, few enough for a frame. */
const DRAWN_OF_A_COLUMN = 8;

/** Colours of the canvas, as the styles of the page have them. */
export interface Palette {
  readonly prefill: string;
  readonly decode: string;
  readonly slow: string;
  readonly line: string;
  readonly text: string;
}

export interface Scene {
  readonly steps: readonly TimelineStep[];
  readonly axis: Axis;
  readonly stretch: Stretch;
  readonly lanes: LaneMap;
  readonly selected: number | null;
  /** The request whose share is drawn stronger than the others'. */
  readonly request: string | null;
}

export function heightOf(lanes: number): number {
  return STRIP + GAP + QUEUE + GAP + lanes * LANE;
}

/** Draws the steps of a stretch: above how long each took, below it the queue, below that who was in it. */
export function draw(context: CanvasRenderingContext2D, width: number, scene: Scene, palette: Palette): void {
  const { steps, axis, stretch, lanes, selected, request } = scene;
  const height = heightOf(lanes.names.length);
  context.clearRect(0, 0, width, height);
  const perMs = width / (stretch.until - stretch.from);
  const x = (place: number) => (place - stretch.from) * perMs;
  const first = axis.firstAt(stretch.from - axis.longestMs);
  const end = axis.firstAt(stretch.until);
  const hatched = hatchOf(context, palette.prefill);

  let longest = 1;
  for (let index = first; index < end; index++) longest = Math.max(longest, axis.durations[index] as number);
  const lanesTop = STRIP + GAP + QUEUE + GAP;
  /** Right edge of what was drawn last: what a pixel can't show is not drawn on it again. */
  const drawnTo = new Float64Array(lanes.names.length).fill(-1);
  const column = { left: -1, tallest: 0, isSlow: false, waiting: 0 };
  const flush = (left: number, right: number) => {
    if (column.left < 0) return;
    const columnWidth = Math.max(1, right - left);
    context.fillStyle = column.isSlow ? palette.slow : palette.decode;
    context.fillRect(left, STRIP - column.tallest, columnWidth, column.tallest);
    // Not by colour alone: a slow step has a mark over it.
    if (column.isSlow)
      context.fillRect(left, Math.max(0, STRIP - column.tallest - 5), Math.max(2, columnWidth), 3);
    if (column.waiting > 0) {
      const tall = Math.min(QUEUE, 3 + column.waiting);
      context.fillStyle = palette.text;
      context.fillRect(left, STRIP + GAP + QUEUE - tall, columnWidth, tall);
    }
  };
  let columnRight = 0;
  let inColumn = 0;
  for (let index = first; index < end; index++) {
    const ms = axis.durations[index] as number;
    const start = axis.starts[index] as number;
    const left = Math.floor(x(start));
    const right = Math.max(left + 1, Math.floor(x(start + ms)) - (ms * perMs > 4 ? 1 : 0));
    if (left > column.left) {
      flush(column.left, columnRight);
      column.left = left;
      inColumn = 0;
      column.tallest = 0;
      column.isSlow = false;
      column.waiting = 0;
      columnRight = left;
    }
    columnRight = Math.max(columnRight, right);
    column.tallest = Math.max(column.tallest, Math.max(1, (ms / longest) * (STRIP - 8)));
    column.isSlow ||= axis.slow[index] === 1;
    column.waiting = Math.max(column.waiting, axis.waiting[index] as number);
    const shares = inColumn++ < DRAWN_OF_A_COLUMN ? at(steps, index).sequences : [];
    for (const [place, share] of shares.entries()) {
      const lane = lanes.laneOf(index, place);
      if (right <= (drawnTo[lane] ?? 0)) continue;
      drawnTo[lane] = right;
      context.globalAlpha = request === null || share.request_id === request ? 1 : 0.28;
      context.fillStyle = share.prefill_tokens > 0 ? hatched : palette.decode;
      context.fillRect(left, lanesTop + lane * LANE + 2, right - left, LANE - 4);
    }
    context.globalAlpha = 1;
    if (axis.cuts.has(index)) {
      context.fillStyle = palette.line;
      for (let y = 0; y < height; y += 6) context.fillRect(left - 3, y, 1, 3);
    }
  }
  flush(column.left, columnRight);
  context.fillStyle = palette.line;
  context.fillRect(0, STRIP, width, 1);
  context.fillRect(0, STRIP + GAP + QUEUE, width, 1);
  if (selected !== null && steps[selected] !== undefined) {
    const left = x(axis.starts[selected] ?? 0);
    context.strokeStyle = palette.text;
    context.lineWidth = 1.5;
    context.strokeRect(left - 1, 1, Math.max(3, (axis.durations[selected] ?? 0) * perMs + 1), height - 2);
  }
}

function at(steps: readonly TimelineStep[], index: number): TimelineStep {
  const step = steps[index];
  if (step === undefined) throw new RangeError(`there is no step ${index}`);
  return step;
}

/** The stripes that were made last: they change with the colours only. */
let made: { readonly colour: string; readonly pattern: CanvasPattern | string } | undefined;

function hatchOf(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  if (made?.colour !== colour) made = { colour, pattern: hatch(context, colour) };
  return made.pattern;
}

/** Stripes of that colour, so that reading and writing differ without their colours too. */
function hatch(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const tile = document.createElement("canvas");
  tile.width = 4;
  tile.height = 4;
  const stripes = tile.getContext("2d");
  if (stripes === null) return colour;
  stripes.strokeStyle = colour;
  stripes.lineWidth = 1.6;
  stripes.beginPath();
  for (const offset of [-4, 0, 4]) {
    stripes.moveTo(offset, 4);
    stripes.lineTo(offset + 4, 0);
  }
  stripes.stroke();
  return context.createPattern(tile, "repeat") ?? colour;
}
