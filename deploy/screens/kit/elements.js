// The elements of a screen that show one event: a value, a trend, a gauge; and the journal of the connection.
import { Plot, Trace } from './curves.js';
import { at, look, matcher, Tones, wentWith } from './events.js';
import { Big, clock, duration, Figure, number, span } from './figures.js';
import { draw, kGlyphs, make, mark, newName, write } from './page.js';
import { said, say } from './words.js';

// What they have in common: the events that concern them, a heading, a place in the grid, and an age.
export class Widget extends HTMLElement {
  begin(screen) {
    this.screen = screen;
    this.matches = matcher(this.getAttribute('channel') ?? '**');
    this.by = at(this.getAttribute('by'));
    this.items = at(this.getAttribute('items'));
    this.only = this.getAttribute('key');
    this.path = at(this.getAttribute('field'));
    this.staleMs = duration(this.getAttribute('stale'), null);
    this.newest = null; // the last event that concerned it
    this.drawnAt = -Infinity;
    const [columns, rows] = (this.getAttribute('span') ?? this.constructor.span).split('x');
    this.style.setProperty('--columns', columns);
    this.style.setProperty('--rows', rows ?? 1);
    if (this.hasAttribute('hue')) this.style.setProperty('--hue', `var(--${this.getAttribute('hue')})`);
    this.heading = make('span');
    this.aside = make('small', 'aside');
    this.chip = make('small', 'chip');
    const title = make('h2', '', this.heading, this.aside, this.chip);
    this.heading.id = newName();
    this.setAttribute('role', 'group');
    this.setAttribute('aria-labelledby', this.heading.id);
    this.append(title, ...this.build());
    this.speak();
  }

  speak() {
    write(this.heading, said(this, 'label'));
    this.drawnAt = -Infinity;
  }

  // An event that matches: its items (or itself), each with its key.
  take(event) {
    if (event.removed) return this.forget(event);
    if (this.items.length === 0) return this.one({ ...event, item: event.data });
    let list = event.data;
    for (const name of this.items) list = list?.[name];
    if (!Array.isArray(list)) return undefined;
    return list.slice(0, 1000).forEach((item, i) => this.one({ ...event, item, key: String(i) }));
  }

  one(row) {
    const own = this.by.length > 0 ? look(row, this.by) : null;
    if (own !== null && own !== undefined) row.key = String(own);
    if (this.only !== null && row.key !== this.only) return;
    this.newest = row;
    this.put(row);
    this.screen.changed(this);
  }

  // What came under this key of this channel is no longer so; without a key, what the whole channel said; without an
  // argument, everything.
  forget(gone) {
    if (this.newest === null || !wentWith(this.newest, gone)) return;
    this.newest = null;
    this.screen.changed(this);
  }

  // In a gap it may have been overtaken. In keyed channels that would have come again.
  doubts(row) { return !this.keyed && row.arrived < this.screen.doubtful; }

  // Whether a row may no longer be shown as if it were so.
  old(row) {
    return this.doubts(row) || this.screen.now() - row.ms > (this.staleMs ?? this.screen.staleMs);
  }

  draw() {
    const row = this.newest;
    const old = row !== null && this.old(row);
    mark(this, 'data-stale', old ? 'yes' : '');
    const tone = row === null || old ? '' : this.show(row) ?? '';
    if (row !== null && old) this.show(row);
    mark(this, 'data-tone', tone);
    const trouble = tone === 'warn' || tone === 'alarm';
    write(this.chip, old ? this.age(row) : trouble ? `${kGlyphs[tone]} ${say(tone)}` : '');
  }

  age(row) {
    return this.doubts(row) ? say('doubt') : say('old', { for: span(this.screen.now() - row.ms) });
  }
}

// <ff-value>: a number, what belongs to it (<ff-also>), and perhaps its curve.
export class ValueElement extends Widget {
  static span = '3x2';

  build() {
    this.figure = new Figure(this);
    this.tones = new Tones(this);
    this.big = new Big(this.figure);
    this.also = [...this.querySelectorAll('ff-also')].map((element) => {
      const path = at(element.getAttribute('field'));
      const parts = { element, figure: new Figure(element), path, label: make('span'), value: make('b') };
      element.replaceChildren(parts.label, ' ', parts.value);
      return parts;
    });
    const spanMs = duration(this.getAttribute('spark'), 0);
    this.trace = spanMs ? new Trace(spanMs) : null;
    this.plot = spanMs ? new Plot([{ trace: this.trace, figure: this.figure }], { spanMs, axes: false }) : null;
    const also = make('p', 'also', ...this.also.map(({ element }) => element));
    return [this.big.element, also, ...(this.plot ? [this.plot.element] : [])];
  }

  put(row) {
    const value = look(row, this.path);
    if (this.trace && typeof value === 'number') this.trace.add(row.ms, value);
  }

  speak() {
    super.speak();
    for (const { element, label } of this.also) write(label, said(element, 'label'));
  }

  show(row) {
    const value = look(row, this.path);
    this.big.show(value);
    for (const { figure, path, value: element } of this.also) write(element, figure.text(look(row, path)));
    return this.tones.of(value);
  }

  draw() {
    super.draw();
    if (this.newest === null) {
      this.big.show(null);
      for (const { value } of this.also) write(value, '–');
    }
    this.plot?.draw(this.screen, said(this, 'label'));
  }
}

// <ff-trend>: up to four numbers (<ff-line>) and their curves over the last minutes.
export class TrendElement extends Widget {
  static span = '8x3';

  build() {
    const spanMs = duration(this.getAttribute('window'), 600_000);
    this.tones = new Tones(this);
    const sources = [...this.querySelectorAll('ff-line')];
    this.lines = (sources.length ? sources : [this]).map((element) => {
      const alone = element === this;
      const figure = new Figure(element.hasAttribute('format') || element.hasAttribute('unit') ? element : this);
      const line = {
        figure,
        big: new Big(figure),
        caption: make('span', 'caption'),
        path: at(element.getAttribute('field')),
        trace: new Trace(spanMs),
        down: element.hasAttribute('down'),
        hue: alone ? null : element.getAttribute('hue'),
        label: () => (alone ? '' : said(element, 'label')),
      };
      if (line.hue) line.caption.style.setProperty('--hue', `var(--${line.hue})`);
      if (!alone) element.remove();
      return line;
    });
    const limit = (name) => {
      const path = at(this.getAttribute(name));
      const fixed = Number(this.getAttribute(name));
      if (path.length === 0) return undefined;
      return () => (Number.isNaN(fixed) ? this.newest && look(this.newest, path) : fixed) ?? undefined;
    };
    const named = this.screen.querySelector('ff-trend') === this;
    this.plot = new Plot(this.lines, { spanMs, axes: true, named, top: limit('max'), bottom: limit('min') });
    const figures = this.lines.map(({ caption, big }) => make('div', 'of', caption, big.element));
    return [make('div', figures.length > 1 ? 'figures several' : 'figures', ...figures), this.plot.element];
  }

  put(row) {
    for (const { trace, path } of this.lines) {
      const value = look(row, path);
      if (typeof value === 'number') trace.add(row.ms, value);
    }
  }

  speak() {
    super.speak();
    for (const { caption, label } of this.lines) write(caption, label());
  }

  show(row) {
    for (const { big, path } of this.lines) big.show(look(row, path));
    return this.tones.of(look(row, this.lines[0].path));
  }

  draw() {
    super.draw();
    if (this.newest === null) for (const { big } of this.lines) big.show(null);
    this.plot.draw(this.screen, said(this, 'label'));
  }
}

// <ff-gauge>: a number between two ends.
export class GaugeElement extends Widget {
  static span = '3x3';

  build() {
    this.figure = new Figure(this);
    this.tones = new Tones(this);
    this.big = new Big(this.figure);
    this.ends = ['min', 'max'].map((name, i) => {
      const text = this.getAttribute(name) ?? String(i * 100);
      return Number.isNaN(Number(text)) ? at(text) : Number(text);
    });
    const arc = (name) => draw('path', { class: name, d: 'M29 141A82 82 0 1 1 171 141', pathLength: '100' });
    this.value = arc('value');
    this.bands = ['warn', 'alarm'].filter((name) => this.tones[name] !== null).map((name) => [arc(`band ${name}`), name]);
    for (const path of [this.value, ...this.bands.map(([band]) => band)]) path.setAttribute('stroke-dasharray', '0 1000');
    const svg = draw('svg', { viewBox: '0 0 200 158', 'aria-hidden': 'true' });
    svg.append(arc('track'), this.value, ...this.bands.map(([path]) => path));
    this.limits = [make('span'), make('span')];
    this.meter = make('div', 'dial', svg, this.big.element, make('p', 'limits', ...this.limits));
    this.meter.setAttribute('role', 'meter');
    this.meter.setAttribute('aria-labelledby', this.heading.id);
    return [this.meter];
  }

  put() {}

  show(row) {
    const value = look(row, this.path);
    const [low, high] = this.ends.map((end) => (typeof end === 'number' ? end : look(row, end) ?? 0));
    const part = (of) => 100 * Math.min(1, Math.max(0, (of - low) / (high - low || 1)));
    this.big.show(value);
    const known = typeof value === 'number';
    this.value.setAttribute('stroke-dasharray', `${known ? Math.max(0.001, part(value)) : 0} 1000`);
    for (const [path, name] of this.bands) {
      const limits = { warn: this.tones.alarm ?? (this.tones.falling ? low : high), alarm: this.tones.falling ? low : high };
      const [from, to] = [part(this.tones[name]), part(limits[name])].sort((a, b) => a - b);
      path.setAttribute('stroke-dasharray', `0 ${from} ${to - from} 1000`);
    }
    [low, high].forEach((end, i) => write(this.limits[i], this.figure.text(end, 0)));
    mark(this.meter, 'aria-valuemin', low);
    mark(this.meter, 'aria-valuemax', high);
    mark(this.meter, 'aria-valuenow', known ? Math.min(high, Math.max(low, value)) : null);
    mark(this.meter, 'aria-valuetext', this.figure.text(value));
    return this.tones.of(value);
  }

  draw() {
    super.draw();
    if (this.newest !== null) return;
    this.big.show(null);
    this.value.setAttribute('stroke-dasharray', '0 1000');
    mark(this.meter, 'aria-valuenow', typeof this.ends[0] === 'number' ? this.ends[0] : 0);
    mark(this.meter, 'aria-valuetext', say('none'));
  }
}

// <ff-journal>: what became of the connection.
export class JournalElement extends Widget {
  static span = '4x3';

  build() {
    this.length = Number(this.getAttribute('rows') ?? 6);
    this.matches = /^(?!)/;
    this.list = make('ol');
    return [this.list];
  }

  draw() {
    const entries = this.screen.journal.slice(0, this.length);
    while (this.list.children.length > entries.length) this.list.lastChild.remove();
    while (this.list.children.length < entries.length) this.list.append(make('li', '', make('time'), decoration(), make('span')));
    entries.forEach(({ at: ms, kind, values }, i) => {
      const line = this.list.children[i];
      const tone = { live: 'ok', recovered: 'ok', gap: 'alarm', refused: 'alarm', away: 'warn', silent: 'warn' }[kind] ?? 'note';
      mark(line, 'data-tone', tone);
      write(line.children[0], clock(ms));
      write(line.children[1], kGlyphs[tone]);
      write(line.children[2], say(`journal_${kind}`, spoken(values)));
    });
  }
}
const decoration = () => {
  const glyph = make('i', 'glyph');
  glyph.setAttribute('aria-hidden', 'true');
  return glyph;
};
const spoken = ({ ms, count, reason }) => ({ for: span(ms ?? 0), count: number(count ?? 0), reason: reason ? say(reason) : '' });
