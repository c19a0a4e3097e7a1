// Curves: what is kept of a number over time, and how it is drawn.
import { clock } from './figures.js';
import { draw, make, style, write } from './page.js';
import { say } from './words.js';

const kBuckets = 300; // points of a curve

// Trace: one number over time, as the last, the least and the greatest of each of 300 equal spans.
export class Trace {
  constructor(spanMs) {
    this.step = spanMs / kBuckets;
    [this.last, this.low, this.high] = [0, 1, 2].map(() => new Float64Array(kBuckets).fill(NaN));
    this.newest = -1; // the number of the newest span since 1970
    this.firstMs = Infinity;
  }

  add(ms, value) {
    const index = Math.floor(ms / this.step);
    if (index <= this.newest - kBuckets) return;
    if (index > this.newest) {
      const from = Math.max(this.newest + 1, index - kBuckets + 1);
      for (let i = from; i <= index; ++i) this.last[i % kBuckets] = NaN;
      this.newest = index;
    }
    this.firstMs = Math.min(this.firstMs, ms);
    const slot = index % kBuckets;
    const fresh = Number.isNaN(this.last[slot]);
    this.last[slot] = value;
    this.low[slot] = fresh ? value : Math.min(value, this.low[slot]);
    this.high[slot] = fresh ? value : Math.max(value, this.high[slot]);
  }

  // visit(ms, last, low, high) of each span in [from, to] with a value, oldest first.
  each(fromMs, toMs, visit) {
    if (this.newest < 0) return;
    const first = Math.max(this.newest - kBuckets + 1, Math.floor(fromMs / this.step), 0);
    for (let index = first; index <= this.newest; ++index) {
      const slot = index % kBuckets;
      const ms = (index + 0.5) * this.step;
      if (Number.isNaN(this.last[slot]) || ms > toMs + this.step) continue;
      visit(Math.min(ms, toMs), this.last[slot], this.low[slot], this.high[slot]);
    }
  }
}

// The top of an axis for values up to `value`: a number that halves well.
function roundUp(value, least) {
  const wanted = Math.max(value * 1.06, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * ([1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= wanted * 0.999999) ?? 10);
}
const kSteps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
  .map((seconds) => seconds * 1000);

// Plot: lines over the last so many minutes, in an SVG that is stretched, so that its size need never be known.
export class Plot {
  // lines: [{trace, figure, label(), down, hue}]; axes: whether numbers and times stand beside it.
  // named: whether its curtains say what they are, which one on a page should.
  constructor(lines, { spanMs, axes, named, top, bottom }) {
    Object.assign(this, { lines, spanMs, axes, named, top, bottom });
    this.svg = draw('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    this.grid = axes ? draw('path', { class: 'grid', d: 'M0 0H1000M0 50H1000M0 100H1000' }) : null;
    if (axes) this.svg.append(this.grid);
    for (const line of lines) {
      line.paths = ['area', 'band', 'line'].map((name) => draw('path', { class: name }));
      line.dot = make('i', 'dot');
      if (line.hue) [...line.paths, line.dot].forEach((part) => part.style.setProperty('--hue', `var(--${line.hue})`));
      this.svg.append(...line.paths);
    }
    this.curtains = make('div', 'curtains');
    this.ticks = axes ? make('div', 'ticks') : null;
    this.levels = axes ? make('div', 'levels', make('span'), make('span'), make('span')) : null;
    const dots = lines.map((line) => line.dot);
    this.field = make('div', 'field', this.curtains, this.svg, ...dots, ...(axes ? [this.ticks, this.levels] : []));
    this.element = make('div', axes ? 'plot axes' : 'plot', this.field);
    this.element.setAttribute('role', 'img');
    this.toldAt = 0;
  }

  draw(screen, label) {
    const now = screen.now();
    const first = Math.min(...this.lines.map(({ trace }) => trace.firstMs));
    const from = Math.max(now - this.spanMs, Math.min(first, now - Math.min(60_000, this.spanMs)));
    const x = (ms) => Math.round(10_000 * (ms - from) / (now - from)) / 10;
    const [low, high] = this.range(from, now);
    const y = (value) => Math.round(1000 * (high - Math.min(high, Math.max(low, value))) / (high - low || 1)) / 10;
    for (const line of this.lines) this.drawLine(line, from, now, x, y, screen);
    this.drawCurtains(screen, from, now, x);
    if (this.axes) this.drawAxes(from, now, low, high, x, y);
    if (now - this.toldAt > 10_000) this.tell(label, from, now);
  }

  // Without axes a curve fills its height, so that what little it moves is seen; with them it stands on zero.
  range(from, now) {
    let [low, high] = this.axes ? [0, 0] : [Infinity, -Infinity];
    for (const { trace, down } of this.lines) {
      trace.each(from, now, (_ms, _last, least, most) => {
        high = Math.max(high, down ? -least : most);
        low = Math.min(low, down ? -most : least);
      });
    }
    if (!this.axes) {
      const room = Math.max((high - low) * 0.15, Math.abs(high) * 0.005, 1e-9);
      return [low - 3 * room, high + room];
    }
    const least = this.lines[0].figure.whole ? 2 : 1; // its half is a number of its own, too
    return [
      this.bottom?.() ?? (low < 0 ? -roundUp(Math.max(-low, high / 6), least) : 0),
      this.top?.() ?? roundUp(Math.max(high, -low / 6), least),
    ];
  }

  drawLine({ trace, down, paths, dot }, from, now, x, y, { staleMs, gaps }) {
    const sign = down ? -1 : 1;
    const hole = Math.max(2.5 * trace.step, staleMs);
    const half = trace.step / 2;
    const gapLies = (before, ms) => gaps.some((gap) => before <= gap.from + half && ms >= (gap.to ?? Infinity) - half);
    const zero = this.axes ? y(0) : 100;
    let [line, area, band, back] = ['', '', '', ''];
    let [before, last] = [-Infinity, null];
    const close = () => { if (line) area += `L${x(before)} ${zero}Z`; if (back) band += `${back}Z`; back = ''; };
    trace.each(from, now, (ms, value, low, high) => {
      const [px, py] = [x(ms), y(sign * value)];
      if (ms - before > hole || gapLies(before, ms)) {
        close();
        line += `M${px} ${py}`;
        area += `M${px} ${zero}L${px} ${py}`;
        band += `M${px} ${y(sign * high)}`;
      } else {
        line += `L${px} ${py}`;
        area += `L${px} ${py}`;
        band += `L${px} ${y(sign * high)}`;
      }
      back = `L${px} ${y(sign * low)}${back}`;
      [before, last] = [ms, [px, py]];
    });
    close();
    [area, band, line].forEach((d, i) => paths[i].setAttribute('d', d));
    dot.hidden = last === null || now - before > hole;
    if (last === null) return;
    style(dot, 'left', `${last[0] / 10}%`);
    style(dot, 'top', `${last[1]}%`);
  }

  drawCurtains(screen, from, now, x) {
    const seen = screen.curtains(now).filter(({ to }) => to > from).slice(-6);
    while (this.curtains.children.length > seen.length) this.curtains.lastChild.remove();
    while (this.curtains.children.length < seen.length) this.curtains.append(make('div', '', make('span')));
    seen.forEach(({ from: start, to, kind, reason }, i) => {
      const element = this.curtains.children[i];
      element.className = x(start) > 500 ? `${kind} late` : kind;
      style(element, 'left', `${Math.max(0, x(start)) / 10}%`);
      style(element, 'right', `${100 - Math.min(1000, x(to)) / 10}%`);
      write(element.firstChild, this.named ? (kind === 'gap' ? `${say('gap')} · ${say(reason)}` : say('curtain')) : '');
    });
  }

  drawAxes(from, now, low, high, x, y) {
    this.grid.setAttribute('d', [low, 0, high].map((value) => `M0 ${y(value)}H1000`).join(''));
    const marks = low < 0 ? [high, 0, low] : [high, high / 2, 0];
    marks.forEach((value, i) => {
      this.levels.children[i].hidden = value !== 0 && Math.abs(y(value) - y(0)) < 25; // it would cover that of zero
      write(this.levels.children[i], this.lines[0].figure.axis(Math.abs(value)));
      style(this.levels.children[i], 'top', `${y(value)}%`);
    });
    const step = kSteps.find((one) => (now - from) / one <= 5) ?? kSteps.at(-1);
    const zone = new Date(now).getTimezoneOffset() * 60_000;
    const times = [];
    for (let ms = Math.ceil((from - zone) / step) * step + zone; ms <= now; ms += step) {
      if (x(ms) > 30 && x(ms) < 960) times.push(ms);
    }
    while (this.ticks.children.length > times.length) this.ticks.lastChild.remove();
    while (this.ticks.children.length < times.length) this.ticks.append(make('span'));
    times.forEach((ms, i) => {
      write(this.ticks.children[i], clock(ms, step < 60_000));
      style(this.ticks.children[i], 'left', `${x(ms) / 10}%`);
    });
  }

  // For those who cannot see it: seldom, since a screen reader may read it when it changes.
  tell(label, from, now) {
    this.toldAt = now;
    const words = this.lines.map(({ trace, figure, label: name }) => {
      let [low, high, last] = [Infinity, -Infinity, null];
      trace.each(from, now, (_ms, value, least, most) => {
        [low, high, last] = [Math.min(low, least), Math.max(high, most), value];
      });
      const who = name?.() || label;
      if (last === null) return `${who}: ${say('none')}`;
      return say('curve', { label: who, low: figure.text(low), high: figure.text(high), now: figure.text(last) });
    });
    this.element.setAttribute('aria-label', words.join('; '));
  }
}
