// What the data screen shows of the stream itself: the journal of its connection, and the tape of
// its events with their ids.
import { byteRate, clock, memory, span } from '/assets/figures.js';

const kJournalLength = 8;
const kTapeLength = 14;
const marks = { live: '●', away: '◐', silent: '◐', refused: '▲', recovered: '◆', gap: '▲' };

function element(name, text = '', className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

export class Journal {
  constructor(list, language) {
    this.list = list;
    this.language = language;
    this.entries = []; // newest first: {at, kind, values}
    this.shown = '';
  }

  add(kind, values = {}) {
    this.entries.unshift({ at: Date.now(), kind, values });
    this.entries.length = Math.min(this.entries.length, kJournalLength);
  }

  show() {
    const { language } = this;
    const key = `${language.name} ${JSON.stringify(this.entries)}`;
    if (key === this.shown) return;
    this.shown = key;
    this.list.replaceChildren(...this.entries.map((entry) => this.line(entry)));
  }

  line({ at, kind, values }) {
    const { language } = this;
    const words = {
      ...values,
      reason: values.reasonKey ? language.say(`gap_${values.reasonKey}`) : '',
      for: values.ms === undefined ? '' : span(values.ms / 1000, language.name),
    };
    const line = element('li', '', kind);
    const text = element('div', language.say(`journal_${kind}`, words));
    text.append(element('small', language.say(`journal_${kind}_more`, words)));
    line.append(element('time', clock(at)), element('i', marks[kind]), text);
    return line;
  }
}

// One line of words for each kind of event.
const brief = {
  cpu: (e) => `${e.total.toFixed(1)} %`,
  memory: (e) => memory(e.used),
  network: (e) => `↓ ${byteRate(e.rx_bps)}  ↑ ${byteRate(e.tx_bps)}`,
  disk: (e) => `${byteRate(e.read_bps)} · ${byteRate(e.write_bps)}`,
  load: (e) => e.load1.toFixed(2),
};

export class Tape {
  constructor(body, language) {
    this.body = body;
    this.language = language;
    this.entries = [];
    this.fresh = false;
  }

  // {id, name, late, event}
  add(entry) {
    this.entries.unshift(entry);
    this.entries.length = Math.min(this.entries.length, kTapeLength);
    this.fresh = true;
  }

  show() {
    const key = this.language.name;
    if (!this.fresh && key === this.shown) return;
    this.fresh = false;
    this.shown = key;
    this.body.replaceChildren(...this.entries.map((entry) => this.row(entry)));
  }

  row({ id, name, late, event }) {
    const row = element('tr', '', late ? `${name} late` : name);
    const dash = id.lastIndexOf('-');
    const place = element('td');
    place.append(element('span', id.slice(0, dash + 1)), id.slice(dash + 1));
    row.append(place, element('td', this.language.say(name)), element('td', brief[name](event)));
    return row;
  }
}
