// What an event says: the values in it, its time, and what they mean.
// A path into an event: "state", "load.one", or "$key", "$channel", "$time", "$id" of the event itself.
export const at = (text) => (text ? text.split('.') : []);
export function look({ item, key, channel, ms, id }, path) {
  if (path.length === 1 && path[0].startsWith('$')) return { $key: key, $channel: channel, $time: ms, $id: id }[path[0]];
  let value = item;
  for (const name of path) {
    value = value !== null && typeof value === 'object' && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return Number.isFinite(value) || typeof value === 'string' || typeof value === 'boolean' ? value : null;
}
// Whether the row came under a key that went: {channel, key}; without a key, all of the channel did; undefined, everything.
export const wentWith = (row, gone) => gone === undefined || (row.channel === gone.channel && (gone.key === undefined || row.from === gone.key));
// Milliseconds since 1970 of a number of seconds or milliseconds, or of a text that says a date.
export function time(value) {
  if (typeof value === 'number') return value < 1e11 ? value * 1000 : value;
  const parsed = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(parsed) ? null : parsed;
}
// A channel's name, or a pattern: * within a segment, ** for one segment or more.
export function matcher(pattern) {
  const source = pattern.split('/').map((segment) => (segment === '**' ? '[^]+'
    : segment.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('[^/]+'))).join('/');
  return new RegExp(`^${source}$`);
}
// "running=ok stopped=alarm" as a Map; a number's tone comes from warn and alarm, whichever way round they are.
export const table = (text) => new Map((text ?? '').split(/\s+/).filter(Boolean).map((pair) => pair.split('=')));
export class Tones {
  constructor(element) {
    this.names = table(element.getAttribute('tones'));
    const limit = (name) => (element.hasAttribute(name) ? Number(element.getAttribute(name)) : null);
    [this.warn, this.alarm] = [limit('warn'), limit('alarm')];
    this.falling = element.hasAttribute('falling') || (this.warn !== null && this.alarm !== null && this.alarm < this.warn);
  }

  of(value) {
    if (typeof value !== 'number') return this.names.get(String(value)) ?? '';
    const beyond = (limit) => limit !== null && (this.falling ? value <= limit : value >= limit);
    return beyond(this.alarm) ? 'alarm' : beyond(this.warn) ? 'warn' : this.names.get(String(value)) ?? '';
  }
}
