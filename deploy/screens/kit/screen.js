// Data screens made of HTML elements, for a wall, a desk or a phone. Copy this folder next to a page of your own, and change
// what you like; docs/SCREENS.md lists the elements and their attributes.
//
// One EventSource feeds all elements of a page. An event changes memory only; what is seen changes with the screen's frames, ten
// times a second at most, and curves four times. No layout is ever read, and everything that could grow has a bound, so that a
// wall may run for months.
// What events bring becomes text, never HTML.
import { GaugeElement, JournalElement, TrendElement, ValueElement } from './elements.js';
import { at, look, matcher, time } from './events.js';
import { clock, duration, number, span } from './figures.js';
import { MapElement, TableElement } from './keyed.js';
import { draw, make, mark, write } from './page.js';
import { Stream } from './stream.js';
import { asked, language, learn, one, said, say, speak, store, stored } from './words.js';

const kTextMs = 100; // between two drawings of an element …
const kCurveMs = 250; // … and of one with curves
const kNewsMs = 20_000; // how long the lamp says what a reconnection brought
const kJournal = 40;
const kSameMs = 3000;
const kChannels = 10_000; // whose readers are remembered
const kClockEveryMs = 600_000;

const bright = matchMedia('(prefers-color-scheme: light)');
const themeNow = () => one(['dark', 'light'], asked.get('theme'), stored('theme')) ?? (bright.matches ? 'light' : 'dark');

// One element's trouble is not the others'.
function attempt(act) {
  try {
    act();
  } catch (error) {
    reportError(error);
  }
}

class ScreenElement extends HTMLElement {
  connectedCallback() {
    this.staleMs = duration(this.getAttribute('stale'), 15_000);
    this.timePath = at(this.getAttribute('time') ?? 't');
    this.journal = []; // newest first: {at, kind, values}
    this.gaps = []; // {from, to, reason}, the newest last
    this.doubtful = 0; // what arrived before then may have been overtaken in a gap
    this.lastMs = 0; // of the newest event
    this.news = null;
    this.clockOffset = 0; // this browser's clock minus the server's
    this.readers = new Map(); // channel -> the elements that show it
    this.dirty = new Set();
    this.framed = false;
    const found = document.getElementById('words');
    if (found) learn(JSON.parse(found.textContent));
    this.widgets = [...this.querySelectorAll('ff-value, ff-trend, ff-gauge, ff-table, ff-map, ff-journal')];
    this.build();
    for (const widget of this.widgets) widget.begin(this);
    this.translate();
    this.paint(themeNow());
    bright.addEventListener('change', () => this.paint(themeNow()));
    this.connect();
    this.compareClocks();
    setInterval(() => this.compareClocks(), kClockEveryMs);
    setInterval(() => this.tick(), 1000);
    document.addEventListener('visibilitychange', () => this.tick());
    this.tick();
  }

  // ---- The frame of the screen
  build() {
    const button = (act) => {
      const made = make('button');
      made.type = 'button';
      made.addEventListener('click', act);
      return made;
    };
    this.heading = make('h1');
    this.about = make('p', 'about');
    this.lamp = make('p', 'lamp', make('i'), make('b'), ' ', make('span'));
    this.lamp.querySelector('b').setAttribute('role', 'status'); // its detail counts seconds, which nobody wants read out
    this.clock = make('time', 'clock');
    this.buttons = {
      other: button(() => this.switchLanguage()),
      theme: button(() => this.switchTheme()),
      full: button(() => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen())),
    };
    this.buttons.full.className = 'full';
    this.buttons.full.hidden = !document.fullscreenEnabled;
    const logo = draw('svg', { viewBox: '0 0 32 32', class: 'logo', 'aria-hidden': 'true' });
    logo.append(draw('path', { d: 'M9 16 27 6M9 16H29M9 16 27 26' }), draw('circle', { cx: 7, cy: 16, r: 5 }));
    const title = make('div', 'title', this.heading, this.about);
    const header = make('header', '', logo, title, this.lamp, this.clock, ...Object.values(this.buttons));
    const main = make('main', '', ...this.children);
    this.append(header, main);
  }

  translate() {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = said(this, 'label');
    write(this.heading, said(this, 'label'));
    write(this.about, said(this, 'about'));
    write(this.buttons.other, say('other'));
    this.buttons.other.lang = language === 'zh' ? 'en' : 'zh-CN';
    write(this.buttons.full, say('full'));
    this.paint(document.documentElement.dataset.theme ?? themeNow());
    for (const widget of this.widgets) widget.speak();
  }

  switchLanguage() {
    speak(language === 'zh' ? 'en' : 'zh');
    store('lang', language);
    this.translate();
    this.tick();
  }

  switchTheme() {
    const theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    store('theme', theme);
    this.paint(theme);
  }

  paint(theme) {
    document.documentElement.dataset.theme = theme;
    write(this.buttons.theme, say(theme === 'dark' ? 'light' : 'dark'));
  }

  // ---- Events
  // One stream for channels with a history, and one for those that keep the latest event of each key: the former begins with
  // the newest events of each channel, the latter with one of each key.
  connect() {
    const names = (name) => this.getAttribute(name)?.split(/\s+/).filter(Boolean);
    const keyed = names('keyed') ?? [];
    const matchers = keyed.map(matcher);
    const isKeyed = (channel) => keyed.includes(channel) || matchers.some((one) => one.test(channel));
    for (const widget of this.widgets) widget.keyed = isKeyed(widget.getAttribute('channel') ?? '');
    const others = names('channels') ?? this.widgets.map((widget) => widget.getAttribute('channel')).filter((name) => name && !isKeyed(name));
    this.streams = [];
    if (others.length > 0 || keyed.length === 0) {
      this.streams.push(this.openStream(false, others, { with: 'channel', replay: this.getAttribute('replay') ?? '600', each: 'channel' }));
    }
    if (keyed.length > 0) this.streams.push(this.openStream(true, keyed, { with: 'channel,key' }));
  }

  openStream(keyed, channels, parameters) {
    const url = new URL(this.getAttribute('events') ?? '/events', location.href);
    for (const channel of new Set(channels)) url.searchParams.append('channel', channel);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return new Stream({
      url,
      keyed,
      types: (this.getAttribute('types') ?? '').split(/\s+/).filter(Boolean),
      gapEvent: this.getAttribute('gap-event') ?? 'gap',
      onEvent: (event) => this.take(event),
      onGap: (gap) => this.takeGap(gap, keyed),
      onState: (state) => this.takeState(state),
      onSettled: (opening) => this.takeOpening(opening),
      onSilence: () => this.log('silent'),
    });
  }

  take({ id, channel, key, data, arrived, removed }) {
    let read = null;
    try {
      read = data === '' ? null : JSON.parse(data);
    } catch {
      read = data; // a text
    }
    const dated = time(look({ item: read }, this.timePath));
    const ms = Math.min(dated ?? Infinity, arrived - this.clockOffset); // nothing is newer than now
    if (this.gaps.at(-1)?.to === null) Object.assign(this.gaps.at(-1), { to: ms });
    this.lastMs = Math.max(this.lastMs, ms);
    const event = { id, channel, key, from: key, data: read, ms, arrived, removed };
    for (const widget of this.readersOf(channel)) attempt(() => widget.take(event));
  }

  readersOf(channel) {
    let found = this.readers.get(channel);
    if (found) return found;
    if (this.readers.size >= kChannels) this.readers.clear();
    found = this.widgets.filter((widget) => widget.matches.test(channel));
    this.readers.set(channel, found);
    return found;
  }

  takeGap({ reason }, keyed) {
    if (reason === 'conflated') return this.log('conflated'); // the newest of each key follows: nothing that is shown is wrong
    if (keyed) { // everything that is true follows
      for (const widget of this.widgets) if (widget.keyed) widget.forget();
      return this.log('gap', { reason });
    }
    this.doubtful = Date.now();
    if (this.lastMs > 0 && this.gaps.at(-1)?.to !== null) this.gaps.push({ from: this.lastMs, to: null, reason, kind: 'gap' });
    if (this.gaps.length > 20) this.gaps.shift();
    return this.log('gap', { reason });
  }

  takeState(state) {
    if (state === 'away' || state === 'refused') this.log(state);
    this.tick();
  }

  takeOpening({ awayMs, caughtUp, gap }) {
    if (awayMs === 0) return this.log('live');
    const before = this.news && this.news.until > Date.now() + kNewsMs - kSameMs ? this.news : null; // the other stream's
    this.news = { gap: gap ?? before?.gap, awayMs, caughtUp: caughtUp + (before?.caughtUp ?? 0), until: Date.now() + kNewsMs };
    if (!gap) this.log('recovered', { ms: awayMs, count: caughtUp });
    return this.tick();
  }

  log(kind, values = {}) {
    const [last] = this.journal;
    if (last?.kind === kind && Date.now() - last.at < kSameMs) { // the other stream says the same
      last.values = { ...last.values, ...values, count: (last.values.count ?? 0) + (values.count ?? 0) };
      return;
    }
    this.journal.unshift({ at: Date.now(), kind, values });
    this.journal.length = Math.min(this.journal.length, kJournal);
    for (const widget of this.widgets) if (widget instanceof JournalElement) this.changed(widget);
  }

  // Ages are only as good as this browser's clock: it is compared with that of the server that the page came from.
  async compareClocks() {
    try {
      const before = Date.now();
      const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store' });
      const theirs = Date.parse(answer.headers.get('Date'));
      const offset = (before + Date.now()) / 2 - theirs - 500;
      const off = Math.abs(offset) > 2000; // less may be the whole seconds of the field
      if (off && Math.abs(offset - this.clockOffset) > 5000) this.log('clock', { ms: Math.abs(offset) });
      if (!Number.isNaN(theirs)) this.clockOffset = off ? offset : 0;
    } catch {
      // The server is away, as the lamp says.
    }
  }

  // The worst of its streams'.
  get connection() {
    const states = this.streams?.map(({ state }) => state) ?? [];
    return ['refused', 'away', 'connecting'].find((state) => states.includes(state)) ?? (states.length > 0 ? 'open' : 'connecting');
  }

  now() { return Date.now() - this.clockOffset; }

  // What curves show as missing: the gaps, and the time since contact was lost.
  curtains(now) {
    const list = this.gaps.map((gap) => ({ ...gap, to: gap.to ?? now }));
    const away = this.connection !== 'open' && this.lastMs > 0 && this.gaps.at(-1)?.to !== null;
    return away ? [...list, { from: this.lastMs, to: now, kind: 'away' }] : list;
  }

  // ---- Once a frame
  changed(widget) {
    this.dirty.add(widget);
    this.schedule();
  }

  tick() {
    for (const widget of this.widgets) this.dirty.add(widget);
    this.schedule();
  }

  schedule() {
    if (this.framed) return;
    this.framed = true;
    requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.framed = false;
    const now = performance.now();
    let later = false;
    for (const widget of this.dirty) {
      if (now - widget.drawnAt < (widget.plot ? kCurveMs : kTextMs)) {
        later = true;
        continue;
      }
      this.dirty.delete(widget);
      widget.drawnAt = now;
      attempt(() => widget.draw());
    }
    this.showLamp();
    write(this.clock, clock(this.now()));
    if (later && !this.waking) this.waking = setTimeout(() => { this.waking = 0; this.schedule(); }, kTextMs / 2);
  }

  // The state of the connection, as a shape, a colour and words.
  showLamp() {
    const { connection } = this;
    const quiet = this.now() - this.lastMs;
    let state = connection === 'open' ? (this.lastMs === 0 ? 'waiting' : quiet > this.staleMs ? 'silent' : 'live') : connection;
    let more = '';
    if (state === 'live' && this.news && this.news.until > Date.now()) {
      const { gap, awayMs, caughtUp } = this.news;
      state = gap ? 'gap' : 'recovered';
      more = gap ? say(gap.reason) : say('recovered_more', { for: span(awayMs), count: number(caughtUp) });
    } else if (state === 'away' && this.lastMs > 0) {
      more = say('away_more', { time: clock(this.lastMs) });
    } else if (state === 'silent') {
      more = say('silent_more', { for: span(Math.max(5000, quiet - quiet % (quiet < 60_000 ? 5000 : 60_000))) });
    } else if (state === 'refused' || state === 'waiting') {
      more = say(`${state}_more`);
    }
    mark(this, 'data-state', state);
    mark(this, 'data-contact', connection === 'open' ? 'yes' : 'no');
    const [, title, , detail] = this.lamp.childNodes;
    write(title, say(state));
    write(detail, more);
  }
}

for (const [name, made] of Object.entries({
  'ff-value': ValueElement, 'ff-trend': TrendElement, 'ff-gauge': GaugeElement, 'ff-table': TableElement, 'ff-map': MapElement,
  'ff-journal': JournalElement, 'ff-screen': ScreenElement,
})) customElements.define(name, made);
