// The elements of a screen that show many events, each by its key: a table, and the map of a wall, a hall or a flow.
import { Widget } from './elements.js';
import { at, look, table, Tones, wentWith } from './events.js';
import { Big, Figure, number } from './figures.js';
import { kGlyphs, make, mark, style, write } from './page.js';
import { said, say, word } from './words.js';

// What tables and maps share: the newest row of each key, so many at most, the least lately changed leaving first.
export class Keyed extends Widget {
  begin(screen) {
    this.rows = new Map();
    this.keep = Number(this.getAttribute('keep') ?? 2000);
    this.without = [...table(this.getAttribute('without'))].map(([name, values]) => [at(name), values.split(',')]);
    super.begin(screen);
  }

  put(row) {
    this.rows.delete(row.key);
    if (this.without.some(([path, values]) => values.includes(String(look(row, path))))) return;
    this.rows.set(row.key, row);
    if (this.rows.size > this.keep) this.rows.delete(this.rows.keys().next().value);
  }

  forget(gone) {
    for (const [key, row] of this.rows) if (wentWith(row, gone)) this.rows.delete(key);
    super.forget(gone);
    this.screen.changed(this);
  }

  show() {}
}
const { compare: byName } = new Intl.Collator('en', { numeric: true });
const byKey = (a, b) => byName(a.key, b.key);

// <ff-table>: a row for each key, or with order="newest" for each event.
export class TableElement extends Keyed {
  static span = '4x4';

  build() {
    this.length = Number(this.getAttribute('rows') ?? 8);
    const [, sign, name] = /^(-?)(.*)$/.exec(this.getAttribute('order') ?? '');
    this.order = { down: sign === '-', path: at(name === 'newest' ? '' : name), newest: name === 'newest' };
    this.columns = [...this.querySelectorAll('ff-column')].map((element) => {
      const figure = new Figure(element);
      element.remove();
      return {
        element,
        figure,
        tones: new Tones(element),
        path: at(element.getAttribute('field')),
        head: make('th'),
        bar: element.hasAttribute('bar') ? at(element.getAttribute('bar')) : null, // the path of what is the whole of it
        className: (figure.isText ? 'text' : 'number') + (element.hasAttribute('extra') ? ' extra' : ''),
      };
    });
    for (const { head, className, element } of this.columns) {
      head.scope = 'col';
      head.className = className;
      if (element.hasAttribute('width')) head.style.setProperty('--width', element.getAttribute('width'));
    }
    const line = () => make('tr', 'blank', ...this.columns.map((column) => this.cell(column)));
    this.body = make('tbody', '', ...Array.from({ length: this.length }, line));
    const grid = make('table', '', make('thead', '', make('tr', '', ...this.columns.map(({ head }) => head))), this.body);
    grid.setAttribute('aria-labelledby', this.heading.id);
    return [make('div', 'scroll', grid)];
  }

  cell({ className, bar }) {
    const cell = make('td', className, make('i', 'glyph'), make('span'));
    cell.firstChild.setAttribute('aria-hidden', 'true');
    if (bar) cell.append(make('div', 'bar', make('i')));
    return cell;
  }

  // One event in a table of the newest has no key of its own.
  one(row) {
    if (this.order.newest && this.by.length === 0) row.key = row.id;
    super.one(row);
  }

  speak() {
    super.speak();
    for (const { head, element } of this.columns) write(head, said(element, 'label'));
  }

  sorted() {
    const rows = [...this.rows.values()];
    const { newest, down, path } = this.order;
    if (newest) return rows.reverse();
    if (path.length === 0) return rows.sort(byKey);
    const size = (row) => look(row, path);
    const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : byName(String(a), String(b)));
    return rows.sort((a, b) => (down ? compare(size(b), size(a)) : compare(size(a), size(b))) || byKey(a, b));
  }

  draw() {
    super.draw();
    const rows = this.sorted();
    write(this.aside, !this.order.newest && rows.length > this.length ? say('of', { count: number(rows.length) }) : '');
    const most = this.columns.map(({ bar, path }) => (bar ? rows.reduce((found, row) => Math.max(found, Number(look(row, path)) || 0), 0) : 0));
    [...this.body.children].forEach((line, i) => {
      const row = rows[i];
      mark(line, 'class', row === undefined ? 'blank' : this.old(row) ? 'old' : '');
      mark(line, 'aria-hidden', row === undefined ? 'true' : '');
      this.columns.forEach((column, j) => this.fill(line.children[j], column, row, most[j]));
    });
  }

  fill(cell, { figure, tones, path, bar }, row, most) {
    const value = row && look(row, path);
    const tone = row ? tones.of(value) : '';
    const [glyph, text, track] = cell.children;
    mark(cell, 'data-tone', tone);
    write(glyph, kGlyphs[tone] ?? '');
    write(text, row ? figure.text(value) : '\u00a0');
    if (!track) return;
    const whole = (row && bar.length > 0 && Number(look(row, bar))) || most || 1;
    style(track.firstChild, 'transform', `scaleX(${Math.min(1, Math.max(0, (Number(value) || 0) / whole))})`);
  }
}

// <ff-map>: a cell for each key, where it stands on the wall, in the hall or in the flow.
export class MapElement extends Keyed {
  static span = '8x4';

  build() {
    this.tonePath = at(this.getAttribute('tone'));
    this.tones = new Tones(this);
    this.figure = new Figure(this);
    this.places = new Map();
    this.across = 1;
    this.parsePlaces(this.getAttribute('places') ?? '');
    this.cells = new Map();
    this.grid = make('div', 'cells');
    this.grid.addEventListener('keydown', (event) => this.move(event));
    this.grid.addEventListener('focusin', ({ target }) => this.point(target.closest('.cell')));
    this.grid.addEventListener('focusout', () => this.point(null));
    this.grid.addEventListener('pointerover', ({ target }) => this.point(target.closest('.cell')));
    this.grid.addEventListener('pointerleave', () => this.point(null));
    this.detail = make('p', 'detail');
    this.detail.hidden = true;
    for (const key of [...this.places.keys()]) this.cell(key);
    return [this.grid, this.detail];
  }

  // "A1 A2 . A3 / B1 B1 . B2", like grid-template-areas: rows, cells, aisles.
  parsePlaces(text) {
    const rows = text.split('/').map((row) => row.trim().split(/\s+/).filter(Boolean)).filter((row) => row.length > 0);
    rows.forEach((row, y) => row.forEach((key, x) => {
      if (key === '.') return;
      const place = this.places.get(key);
      if (place) Object.assign(place, { x: Math.min(x, place.x), right: Math.max(x, place.right), bottom: y });
      else this.places.set(key, { x, y, right: x, bottom: y });
    }));
    if (rows.length === 0) return;
    this.across = Math.max(...rows.map((row) => row.length));
    const aisle = (keys) => (keys.every((key) => key === undefined || key === '.') ? 'minmax(0, 0.3fr)' : 'minmax(0, 1fr)');
    this.style.setProperty('--over', Array.from({ length: this.across }, (_, x) => aisle(rows.map((row) => row[x]))).join(' '));
    this.style.setProperty('--down', rows.map(aisle).join(' '));
  }

  cell(key) {
    let made = this.cells.get(key);
    if (made) return made;
    const parts = { name: make('b', 'name'), value: new Big(this.figure, 'span'), glyph: make('i', 'glyph'), word: make('span', 'word') };
    parts.glyph.setAttribute('aria-hidden', 'true');
    const top = make('span', 'top', parts.name, parts.glyph);
    const element = make('button', 'cell', top, parts.value.element, parts.word);
    made = { key, element, ...parts };
    element.type = 'button';
    element.tabIndex = this.cells.size === 0 ? 0 : -1;
    element.dataset.key = key;
    const place = this.places.get(key);
    if (place) {
      element.style.setProperty('--column', `${place.x + 1} / ${place.right + 2}`);
      element.style.setProperty('--row', `${place.y + 1} / ${place.bottom + 2}`);
    }
    this.cells.set(key, made);
    if (this.places.size > 0) {
      this.grid.append(element);
    } else { // in the order of their names, twice as many across as down
      const next = [...this.grid.children].find((other) => byKey({ key: other.dataset.key }, { key }) > 0);
      this.grid.insertBefore(element, next ?? null);
      this.across = Math.max(1, Math.ceil(Math.sqrt(this.cells.size * 2)));
      this.style.setProperty('--over', `repeat(${this.across}, minmax(0, 1fr))`);
    }
    return made;
  }

  draw() {
    super.draw();
    for (const key of this.rows.keys()) this.cell(key);
    for (const [key, cell] of this.cells) {
      const row = this.rows.get(key);
      if (row === undefined && !this.places.has(key)) this.removeCell(cell);
      else this.paint(cell, row);
    }
    const counts = {};
    for (const row of this.rows.values()) {
      const state = this.old(row) ? '' : look(row, this.tonePath);
      if (typeof state === 'string' && state) counts[state] = (counts[state] ?? 0) + 1;
    }
    const counted = [...this.tones.names].filter(([state]) => counts[state]);
    write(this.aside, counted.map(([state, tone]) => `${kGlyphs[tone] ?? ''} ${number(counts[state])} ${word(state)}`).join('   '));
  }

  removeCell({ key, element }) {
    element.remove();
    this.cells.delete(key);
    if (element.tabIndex === 0 && this.grid.firstElementChild) this.grid.firstElementChild.tabIndex = 0;
  }

  paint({ key, element, name, value, glyph, word: state }, row) {
    const tone = row ? this.tones.of(look(row, this.tonePath.length ? this.tonePath : this.path)) : '';
    const old = row !== undefined && this.old(row);
    mark(element, 'data-tone', old ? '' : tone);
    mark(element, 'data-stale', old ? 'yes' : row ? '' : 'none');
    write(name, word(key));
    value.show(row ? look(row, this.path) : null);
    write(glyph, old || !row ? '' : kGlyphs[tone] ?? '');
    const known = row && this.tonePath.length ? word(String(look(row, this.tonePath) ?? '')) : '';
    write(state, old ? this.age(row) : known);
  }

  // Arrow keys go from cell to cell; Tab goes on to the next element.
  move(event) {
    const cells = [...this.grid.children];
    const from = cells.indexOf(event.target.closest('.cell'));
    const { across } = this;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -from, End: cells.length - 1 - from };
    const to = from + steps[event.key];
    if (!cells[to]) return;
    event.preventDefault();
    cells[from].tabIndex = -1;
    cells[to].tabIndex = 0;
    cells[to].focus();
  }

  // All that the event says, for the cell that has the focus or the pointer.
  point(cell) {
    const row = cell && this.rows.get(cell.dataset.key);
    this.detail.hidden = !row;
    if (!row) return;
    const known = (value) => (typeof value === 'number' ? number(value, { maximumFractionDigits: 2 }) : word(String(value)));
    const facts = Object.entries(row.item ?? {}).filter(([name, value]) => typeof value !== 'object' && name !== 't' && String(value) !== row.key);
    const lines = facts.slice(0, 12).map(([name, value]) => make('span', '', `${word(name)} `, make('b', '', known(value))));
    this.detail.replaceChildren(make('b', '', word(row.key)), ...lines);
  }
}
