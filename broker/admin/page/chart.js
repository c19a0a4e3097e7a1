// TimeChart: one row's chart, drawn by uPlot. All rows of a page share the time axis and the
// cursor. Where nothing is known, a curtain is drawn instead of a line: plain while the stream is
// away, hatched for good where events are gone (a gap).
import uPlot from '/assets/uplot.js';
import { clock, clockMinutes } from '/assets/figures.js';

const kLine = '#172230';
const kFaint = '#71849b';
const kFamily = "'Inter Variable', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif";

export const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

function withAlpha(colour, alpha) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${alpha})`;
}

// How much time a page shows: ten minutes, or less while there is not that much to show.
// [window, step of the time axis] in seconds.
const kWindows = [[60, 15], [120, 30], [300, 60], [600, 120]];

export function timeRange(oldestMs, nowMs) {
  const [seconds] = kWindows.find(([size]) => size * 1000 >= nowMs - oldestMs) ?? kWindows.at(-1);
  return [nowMs - seconds * 1000, nowMs];
}

// Whole steps of the clock, fewer on a narrow screen, none where its words would be cut.
function timeSplits(u, _axis, low, high) {
  const [, step] = kWindows.find(([size]) => size >= Math.floor(high - low)) ?? kWindows.at(-1);
  const wide = u.width / rem() < 40 ? 2 * step : step;
  const room = ((high - low) / u.width) * 2.4 * rem();
  const splits = [];
  for (let at = Math.ceil((low + room) / wide) * wide; at <= high; at += wide) splits.push(at);
  return splits;
}

function timeWords(splits) {
  const seconds = splits.some((at) => at % 60 !== 0);
  return splits.map((at) => (seconds ? clock(at * 1000) : clockMinutes(at * 1000)));
}

// A tile of diagonal lines, made once per colour and size.
function hatching(context, size) {
  const tile = document.createElement('canvas');
  tile.width = tile.height = size;
  const pen = tile.getContext('2d');
  pen.strokeStyle = 'rgba(255,125,92,0.38)';
  pen.lineWidth = size / 7;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, 'repeat');
}

export class TimeChart {
  // options: series [{colour, width, fill: 0..1, dash}], data(): columns [seconds, ...values],
  // top(columns): highest value of the axis, bottom(columns): lowest (default 0),
  // format(value): text of a tick, times: whether the time axis is shown,
  // curtains(): [{from, to, kind: 'gap'|'away', label}] in ms, named: whether labels are drawn,
  // range(): [ms, ms], band: true to fill between series 1 and 2, onCursor(ms | null).
  constructor(element, options) {
    this.element = element;
    this.options = options;
    this.rebuild();
  }

  // Also after a change of size or language: everything that is measured in rem is measured anew.
  rebuild() {
    this.plot?.destroy();
    this.pattern = null;
    this.size = [this.element.clientWidth, this.element.clientHeight];
    this.plot = new uPlot(this.uplotOptions(), this.options.data(), this.element);
  }

  redraw() {
    this.plot.setData(this.options.data());
  }

  uplotOptions() {
    const unit = rem();
    const { options } = this;
    const font = `500 ${Math.round(0.95 * unit)}px ${kFamily}`; // uPlot scales whole pixels only
    const axis = { stroke: kFaint, font, ticks: { show: false }, grid: { stroke: kLine, width: 1 } };
    return {
      width: this.size[0],
      height: this.size[1],
      padding: [1.1 * unit, 0, options.times ? 0 : 0.7 * unit, 0],
      legend: { show: false },
      cursor: {
        sync: { key: 'page' },
        y: false,
        drag: { x: false, y: false },
        points: { size: 0.6 * unit, width: 2 },
      },
      scales: {
        x: { time: true, range: () => options.range().map((ms) => ms / 1000) },
        y: { range: () => this.verticalRange() },
      },
      axes: [
        {
          ...axis,
          size: options.times ? 1.9 * unit : 0,
          gap: 0.4 * unit,
          splits: timeSplits,
          values: (_u, splits) => (options.times ? timeWords(splits) : splits.map(() => '')),
        },
        {
          ...axis,
          side: 1,
          size: 5.9 * unit,
          gap: 0.6 * unit,
          splits: () => this.verticalSplits(),
          values: (_u, splits) => splits.map((value) => options.format(value)),
        },
      ],
      series: [{}, ...options.series.map((series) => this.uplotSeries(series, unit))],
      bands: options.band ? [{ series: [2, 1], fill: withAlpha(options.series[1].colour, 0.22) }] : [],
      hooks: {
        drawClear: [(u) => this.drawCurtains(u)],
        draw: [(u) => this.drawEnds(u), (u) => this.drawNames(u)],
        setCursor: [(u) => options.onCursor(u.cursor.left < 0 ? null : u.posToVal(u.cursor.left, 'x') * 1000)],
      },
    };
  }

  uplotSeries(series, unit) {
    const width = (series.width ?? 2) * (unit / 16);
    return {
      stroke: series.colour,
      width,
      dash: series.dash?.map((length) => length * unit / 16),
      points: { show: false },
      spanGaps: false,
      fill: series.fill ? (u) => this.shade(u, series) : undefined,
    };
  }

  // From the colour to nothing, towards the zero line.
  shade(u, { colour, fill }) {
    const zero = u.valToPos(0, 'y', true);
    const [low, high] = this.verticalRange();
    const far = u.valToPos(fill < 0 ? low : high, 'y', true);
    if (!Number.isFinite(zero) || !Number.isFinite(far)) return withAlpha(colour, 0.1);
    const gradient = u.ctx.createLinearGradient(0, far, 0, zero);
    gradient.addColorStop(0, withAlpha(colour, Math.abs(fill)));
    gradient.addColorStop(1, withAlpha(colour, 0.02));
    return gradient;
  }

  verticalRange() {
    const data = this.options.data();
    return [this.options.bottom?.(data) ?? 0, this.options.top(data)];
  }

  verticalSplits() {
    const [low, high] = this.verticalRange();
    if (low === 0) return [0, high / 2, high];
    return -low < high / 4 ? [0, high] : high < -low / 4 ? [low, 0] : [low, 0, high];
  }

  // A point of light where each solid line has arrived.
  drawEnds(u) {
    const { ctx } = u;
    const radius = 0.24 * rem() * devicePixelRatio;
    ctx.save();
    this.options.series.forEach(({ colour, dash }, i) => {
      const values = u.data[i + 1];
      const last = values.length - 1;
      if (dash || last < 0 || values[last] === null) return;
      const x = u.valToPos(u.data[0][last], 'x', true);
      const y = u.valToPos(values[last], 'y', true);
      for (const [scale, alpha] of [[2.6, 0.16], [1.7, 0.25], [1, 1]]) {
        ctx.fillStyle = withAlpha(colour, alpha);
        ctx.beginPath();
        ctx.arc(x, y, radius * scale, 0, 2 * Math.PI);
        ctx.fill();
      }
    });
    ctx.restore();
  }

  spans(u) {
    const { left, top, width, height } = u.bbox;
    return this.options.curtains().flatMap((curtain) => {
      const from = Math.max(left, u.valToPos(curtain.from / 1000, 'x', true));
      const to = Math.min(left + width, u.valToPos(curtain.to / 1000, 'x', true));
      return to > from ? [{ ...curtain, x: from, wide: Math.max(to - from, 2), y: top, high: height }] : [];
    });
  }

  drawCurtains(u) {
    const { ctx } = u;
    ctx.save();
    // To the upper and lower edge of the row, so that the curtains of all rows are one.
    const tall = ctx.canvas.height;
    for (const { x, wide, kind } of this.spans(u)) {
      ctx.fillStyle = kind === 'gap' ? 'rgba(255,125,92,0.10)' : 'rgba(255,194,75,0.07)';
      ctx.fillRect(x, 0, wide, tall);
      if (kind === 'gap') {
        this.pattern ??= hatching(ctx, Math.max(8, Math.round(rem() * 0.7 * devicePixelRatio)));
        ctx.fillStyle = this.pattern;
        ctx.fillRect(x, 0, wide, tall);
      }
      ctx.fillStyle = kind === 'gap' ? '#ff7d5c' : 'rgba(255,194,75,0.7)';
      ctx.fillRect(x, 0, Math.max(1, devicePixelRatio), tall);
      if (kind === 'gap') ctx.fillRect(x + wide - devicePixelRatio, 0, devicePixelRatio, tall);
    }
    ctx.restore();
  }

  // A name beside its curtain, on the side where there is room.
  drawNames(u) {
    if (!this.options.named) return;
    const { ctx } = u;
    const unit = rem() * devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${1.0 * unit}px ${kFamily}`;
    ctx.textBaseline = 'middle';
    for (const { x, wide, kind, label } of this.spans(u)) {
      if (!label) continue;
      const size = ctx.measureText(label).width + 1.1 * unit;
      const right = x + wide + size < u.bbox.left + u.bbox.width;
      const at = right ? x + wide + 0.3 * unit : Math.max(u.bbox.left, x - size - 0.3 * unit);
      const y = 0.35 * unit;
      ctx.fillStyle = kind === 'gap' ? '#3a1a13' : '#33290f';
      ctx.beginPath();
      ctx.roundRect(at, y, size, 1.75 * unit, 0.4 * unit);
      ctx.fill();
      ctx.fillStyle = kind === 'gap' ? '#ffb29e' : '#ffd98a';
      ctx.fillText(label, at + 0.55 * unit, y + 0.92 * unit);
    }
    ctx.restore();
  }
}
