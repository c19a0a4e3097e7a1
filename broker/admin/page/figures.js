// Numbers as people read them at three metres: three or four digits and a unit, in English or in
// Chinese. Every function takes a number, or null for "not known", which is an en dash.
const kUnknown = '–';
const kThin = '\u202f';

const joined = ([number, unit]) => (unit === '' ? number : `${number}${kThin}${unit}`);
const grouped = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ',');

// 1 to 4 significant digits: 0.042 0.42 4.2 42 420
function short(value) {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 1 || size === 0) return value.toFixed(size === 0 ? 0 : 2);
  return value.toFixed(size >= 0.1 ? 2 : 3);
}

// For axes: without trailing zeros after the point.
export const plain = (value) => String(Number(short(value)));
const trimmed = ([number, unit]) => joined([number.includes('.') ? String(Number(number)) : number, unit]);
export const axisAmount = (value, language) => trimmed(amountParts(value, language));

// A count that is exact below a million: 7 · 1,024 · 100,000 · 1.24 M
export const countParts = (value, language) =>
  value != null && Math.abs(value) < 1e6 ? [grouped(value), ''] : amountParts(value, language);
export const count = (value, language) => joined(countParts(value, language));

// A rate or any amount: 0.4 · 37 · 9,412 · 12.4 k · 1.24 M; 1.24 万 · 3.50 亿. As [number, unit].
export function amountParts(value, language) {
  if (value == null) return [kUnknown, ''];
  const size = Math.abs(value);
  if (size < 10 && !Number.isInteger(value)) return [value.toFixed(1), ''];
  if (size < 1e4) return [grouped(value), ''];
  const steps = language === 'zh' ? [[1e8, '亿'], [1e4, '万']] : [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
  const [unit, name] = steps.find(([step]) => size >= step);
  return [short(value / unit), name];
}
export const amount = (value, language) => joined(amountParts(value, language));

function scaled(value, step, names) {
  let size = Math.abs(value);
  let index = 0;
  while (size >= step && index < names.length - 1) {
    size /= step;
    ++index;
  }
  return [index === 0 ? Math.round(size).toString() : short(size), names[index]];
}

// [number, unit] of a memory size (powers of 1024) and of a rate in bytes (powers of 1000).
export const memoryParts = (value) =>
  value == null ? [kUnknown, ''] : scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
export const byteRateParts = (value) =>
  value == null ? [kUnknown, ''] : scaled(value, 1000, ['B/s', 'kB/s', 'MB/s', 'GB/s']);
export const memory = (value) => joined(memoryParts(value));
export const byteRate = (value) => joined(byteRateParts(value));

// Two latencies in milliseconds, the second the larger: [number, number, their unit]
export function latencyPair(low, high) {
  const parts = (unit, name) => [low, high].map((ms) => (ms == null ? kUnknown : short(ms / unit))).concat(name);
  return (high ?? 0) < 1000 ? parts(1, 'ms') : parts(1000, 's');
}

const kSpans = {
  en: { d: ' d', h: ' h', min: ' min', s: ' s' },
  zh: { d: ' 天', h: ' 小时', min: ' 分', s: ' 秒' },
};

// 4 s · 3 min · 2 h 5 min · 12 d 3 h
export function span(seconds, language) {
  if (seconds == null) return kUnknown;
  const names = kSpans[language];
  const s = Math.max(0, Math.floor(seconds));
  const part = (value, name) => `${value}${names[name]}`;
  if (s < 60) return part(seconds >= 0.05 && seconds < 9.95 && seconds % 1 !== 0 ? seconds.toFixed(1) : s, 's');
  if (s < 3600) return part(Math.floor(s / 60), 'min');
  if (s < 86400) return `${part(Math.floor(s / 3600), 'h')} ${part(Math.floor((s % 3600) / 60), 'min')}`;
  return `${part(Math.floor(s / 86400), 'd')} ${part(Math.floor((s % 86400) / 3600), 'h')}`;
}

const two = (value) => String(value).padStart(2, '0');

// 14:03:27 and 14:03, local time, 24 hours in both languages.
export function clock(ms) {
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
export const clockMinutes = (ms) => clock(ms).slice(0, 5);

// The top of an axis for values up to `value`: a number that halves well, never below `least`.
export function roundUp(value, least) {
  const wanted = Math.max(value * 1.06, least);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= wanted * 0.999999);
  return step * power;
}
