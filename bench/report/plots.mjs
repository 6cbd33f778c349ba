// Pictures of how cost grows with size, as SVG.

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 70;
const RIGHT = 170;
const TOP = 40;
const BOTTOM = 50;
const COLORS = ["#1b6ac9", "#c9541b", "#2a8f4e", "#8a3fbf", "#7a7a7a"];

const escape = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const short = (number) =>
  number >= 1e6
    ? `${+(number / 1e6).toPrecision(3)} M`
    : number >= 1e3
      ? `${+(number / 1e3).toPrecision(3)} k`
      : `${+number.toPrecision(3)}`;

/** Where a number stands between two ends: by its logarithm, unless `isLinear`. */
function scaleOf(numbers, [from, to], isLinear) {
  const at = (number) => (isLinear ? number : Math.log10(Math.max(number, 1e-9)));
  const low = isLinear ? 0 : Math.min(...numbers.map(at));
  const high = Math.max(...numbers.map(at));
  return (number) => (high === low ? (from + to) / 2 : from + ((at(number) - low) / (high - low)) * (to - from));
}

/**
 * Lines of points.
 *
 * @param {{title: string, x: string, y: string, series: Record<string, [number, number][]>, isLinear?: boolean}} plot
 *   both axes are logarithmic unless `isLinear`
 */
export function toSvg({ title, x, y, series, isLinear = false }) {
  const points = Object.values(series).flat();
  const xs = [...new Set(points.map(([at]) => at))].toSorted((a, b) => a - b);
  const ys = points.map(([, value]) => value);
  const toX = scaleOf(xs, [LEFT, WIDTH - RIGHT], isLinear);
  const toY = scaleOf(ys, [HEIGHT - BOTTOM, TOP], isLinear);
  const marks = [
    ...xs.map((at) => `<text x="${toX(at)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${short(at)}</text>`),
    ...[Math.min(...ys), Math.max(...ys)].map(
      (value) => `<text x="${LEFT - 8}" y="${toY(value) + 4}" text-anchor="end">${short(value)}</text>`,
    ),
  ];
  const lines = Object.entries(series).map(([name, line], i) => {
    const color = COLORS[i % COLORS.length];
    const path = line.map(([at, value]) => `${toX(at).toFixed(1)},${toY(value).toFixed(1)}`).join(" ");
    const dots = line.map(
      ([at, value]) => `<circle cx="${toX(at).toFixed(1)}" cy="${toY(value).toFixed(1)}" r="3" fill="${color}"/>`,
    );
    const label = `<text x="${WIDTH - RIGHT + 12}" y="${TOP + 12 + i * 18}" fill="${color}">${escape(name)}</text>`;
    return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>${dots.join("")}${label}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
<text x="${LEFT}" y="22" font-size="14">${escape(title)}</text>
<path d="M${LEFT},${TOP} V${HEIGHT - BOTTOM} H${WIDTH - RIGHT}" fill="none" stroke="black"/>
${marks.join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escape(x)}</text>
<text x="14" y="${TOP - 8}">${escape(y)}</text>
${lines.join("\n")}
</svg>
`;
}
