import { formatNumber } from "./markdown.ts";
import type { Chart } from "./report.ts";

const width = 720;
const height = 400;
const margin = { left: 70, right: 150, top: 40, bottom: 50 };
const plot = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
/** Okabe and Ito's colours, which colour-blind readers can tell apart. */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const TICKS = 5;

/** Lines with points over linear axes that start at zero. */
export function toSvg(chart: Chart): string {
  const points = chart.lines.flatMap((line) => line.points);
  const xTop = niceCeiling(Math.max(0, ...points.map(([x]) => x)));
  const yTop = niceCeiling(Math.max(0, ...points.map(([, y]) => y)));
  const toX = (x: number) => margin.left + (x / xTop) * plot.width;
  const toY = (y: number) => margin.top + plot.height - (y / yTop) * plot.height;
  const ticks = Array.from({ length: TICKS + 1 }, (_, tick) => tick / TICKS);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(margin.left, 22, chart.title, 'font-size="15"'),
    ...ticks.map((share) => {
      const y = toY(share * yTop);
      const grid = `<path d="M${margin.left} ${round(y)}h${plot.width}" stroke="#ddd"/>`;
      return grid + text(margin.left - 8, y + 4, formatNumber(share * yTop), 'text-anchor="end"');
    }),
    ...ticks.map((share) =>
      text(
        toX(share * xTop),
        height - margin.bottom + 18,
        formatNumber(share * xTop),
        'text-anchor="middle"',
      ),
    ),
    text(margin.left + plot.width / 2, height - 12, chart.xLabel, 'text-anchor="middle"'),
    text(16, margin.top + plot.height / 2, chart.yLabel, rotated(16, margin.top + plot.height / 2)),
    ...chart.lines.map((line, index) => {
      const colour = colours[index % colours.length];
      const path = line.points.map(([x, y]) => `${round(toX(x))},${round(toY(y))}`).join(" ");
      const dots = line.points.length > 30 ? [] : line.points;
      const circles = dots.map(
        ([x, y]) => `<circle cx="${round(toX(x))}" cy="${round(toY(y))}" r="3" fill="${colour}"/>`,
      );
      const legendY = margin.top + 16 * index;
      return (
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${circles.join("")}` +
        `<path d="M${width - margin.right + 12} ${legendY}h16" stroke="${colour}" stroke-width="3"/>` +
        text(width - margin.right + 34, legendY + 4, line.label)
      );
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

/** The next number of 1, 2, 2.5, 5 or 10 times a power of ten: axes then read well. */
export function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10;
  return step * power;
}

function text(x: number, y: number, content: string, attributes = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

function rotated(x: number, y: number): string {
  return `text-anchor="middle" transform="rotate(-90 ${x} ${round(y)})"`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
