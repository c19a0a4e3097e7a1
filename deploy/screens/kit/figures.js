// How numbers, times and texts look: Intl's forms, in the reader's language.
import { time } from './events.js';
import { make, style, write } from './page.js';
import { language, said, word } from './words.js';

const kUnknown = '–';

const formatters = new Map();
function formatter(kind, options) {
  const name = `${language} ${kind.name} ${Object.entries(options)}`;
  let made = formatters.get(name);
  if (!made) formatters.set(name, (made = new kind(language === 'zh' ? 'zh-CN' : 'en', options)));
  return made;
}
export const number = (value, options = {}) => formatter(Intl.NumberFormat, options).format(value);
const kLastMs = 8.64e15; // that a date can say
export function clock(ms, seconds = true) {
  if (ms === null || !(Math.abs(ms) <= kLastMs)) return kUnknown;
  const parts = { hour: '2-digit', minute: '2-digit', ...(seconds && { second: '2-digit' }), hourCycle: 'h23' };
  return formatter(Intl.DateTimeFormat, parts).format(ms);
}
const kSpans = [[86_400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];
export function span(ms) {
  const seconds = Math.max(1, ms / 1000);
  const [size, unit] = kSpans.find(([least]) => seconds >= least) ?? kSpans[3];
  return number(Math.floor(seconds / size), { style: 'unit', unit, unitDisplay: 'short' });
}
// "90s", "10min", "1h", or seconds.
export function duration(text, otherwise) {
  const [, value, unit] = /^(\d+(?:\.\d+)?)(ms|s|min|h|d)?$/.exec(text ?? '') ?? [];
  return value === undefined ? otherwise : value * { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? 's'];
}
const kBytes = { bytes: [1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']], 'bytes/s': [1000, ['B/s', 'kB/s', 'MB/s', 'GB/s']] };

// How an element's numbers look: format, digits, unit, compact.
export class Figure {
  constructor(element) {
    this.element = element;
    this.format = element.getAttribute('format') ?? 'number';
    const digits = element.getAttribute('digits');
    this.digits = digits === null ? null : Number(digits);
    this.notation = element.hasAttribute('compact') ? 'compact' : 'standard';
  }

  // Whether small numbers are shown without what is behind the point.
  get whole() { return this.digits === 0 || this.format in kBytes; }

  get isText() { return this.format === 'text' || this.format === 'time'; }

  // [what stands before it, the number, its unit]
  parts(value, digits = this.digits) {
    if (value === null || value === undefined || value === '' || Number.isNaN(value)) return ['', kUnknown, ''];
    if (this.format === 'time') return ['', clock(time(value)), ''];
    if (this.format === 'text' || typeof value !== 'number') return ['', word(String(value)), ''];
    if (this.format === 'duration') return ['', span(value * 1000), ''];
    if (kBytes[this.format]) return this.bytes(value);
    const size = Math.abs(value);
    const most = digits ?? (size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2);
    const options = { notation: this.notation, minimumFractionDigits: most, maximumFractionDigits: most };
    if (this.notation === 'compact') Object.assign(options, { minimumFractionDigits: 0, maximumFractionDigits: digits ?? 1 });
    if (this.format === 'percent') return ['', number(value, options), '%'];
    if (!/^[A-Z]{3}$/.test(this.format)) return this.divided(value, options, said(this.element, 'unit'));
    const places = { maximumFractionDigits: digits ?? 0, minimumFractionDigits: digits ?? 0 };
    const style = { ...options, ...places, style: 'currency', currencyDisplay: 'narrowSymbol', currency: this.format };
    return this.divided(value, style, '');
  }

  // With what is not the number itself on its sides: ¥, 万, M.
  divided(value, options, unit) {
    const parts = ['', '', ''];
    for (const { type, value: text } of formatter(Intl.NumberFormat, options).formatToParts(value)) {
      if (type === 'literal') continue;
      const beside = type === 'currency' ? 0 : type === 'compact' ? 2 : 1;
      parts[beside] += text;
    }
    if (unit) parts[2] += (parts[2] && ' ') + unit;
    return parts;
  }

  bytes(value) {
    const [step, names] = kBytes[this.format];
    const power = Math.min(names.length - 1, Math.max(0, Math.floor(Math.log(Math.abs(value) || 1) / Math.log(step))));
    const scaled = value / step ** power;
    const digits = power === 0 || Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
    return ['', number(scaled, { minimumFractionDigits: digits, maximumFractionDigits: digits }), names[power]];
  }

  // Beside an axis: without a unit that is the same for all.
  axis(value) { return this.format === 'number' ? this.parts(value).slice(0, 2).join('') : this.text(value); }

  text(value, digits = this.digits) {
    const [before, middle, unit] = this.parts(value, digits);
    return before + middle + (unit && (unit === '%' ? unit : `\u202f${unit}`));
  }
}

// A number with what stands on its sides, each in its own size.
export class Big {
  constructor(figure, name = 'p') {
    this.figure = figure;
    this.parts = ['before', 'number', 'unit'].map((part) => make(part === 'number' ? 'b' : 'span', part));
    this.element = make(name, 'big', ...this.parts);
  }

  // --chars: about how wide it is, in figures, so that the style can choose a size in which it fits.
  show(value) {
    const texts = this.figure.parts(value);
    texts.forEach((text, i) => write(this.parts[i], text));
    const [before, middle, unit] = texts.map(({ length }) => length);
    style(this.element, '--chars', String(Math.max(3, Math.ceil(0.6 * before + middle + 0.5 * unit))));
  }
}
