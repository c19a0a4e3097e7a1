// Stream against a browser made of a few lines: an EventSource that does what it is told, and a
// clock that stands still until it is moved.
import assert from 'node:assert/strict';
import test from 'node:test';

let now = 1_000_000;
let sources = [];
let timers = [];

class FakeEventSource {
  static CONNECTING = 0;
  static CLOSED = 2;
  constructor(url) {
    this.url = String(url);
    this.readyState = 0;
    this.listeners = {};
    sources.push(this);
  }
  addEventListener(type, listener) {
    this.listeners[type] = listener;
  }
  close() {
    this.readyState = 2;
  }
  succeed() {
    this.readyState = 1;
    this.onopen();
  }
  lose() {
    this.readyState = FakeEventSource.CONNECTING;
    this.onerror();
  }
  refuse() {
    this.readyState = FakeEventSource.CLOSED;
    this.onerror();
  }
  emit(id, data, type = 'message') {
    this.listeners[type]({ type, lastEventId: id, data: typeof data === 'string' ? data : JSON.stringify(data) });
  }
}

Date.now = () => now;
globalThis.EventSource = FakeEventSource;
globalThis.location = { href: 'http://127.0.0.1:9180/' };
globalThis.setInterval = (callback) => timers.push({ callback, every: true });
globalThis.setTimeout = (callback, ms) => timers.push({ callback, at: now + ms });

const { Stream } = await import('../../../broker/admin/page/stream.js');

function pass(ms) {
  for (const end = now + ms; now < end; ) {
    now += 500;
    for (const timer of timers.splice(0)) {
      if (timer.every || timer.at > now) timers.push(timer);
      if (timer.every || timer.at <= now) timer.callback();
    }
  }
}

function opened() {
  sources = [];
  timers = [];
  const seen = { events: [], gaps: [], recoveries: [], states: [] };
  const stream = new Stream({
    url: 'http://127.0.0.1:8080/events?channel=metrics%2F**&replay=3000',
    gapEvent: 'gap',
    types: ['cpu'],
    onEvent: (data, event) => seen.events.push({ ...event, data }),
    onGap: (gap) => seen.gaps.push(gap),
    onRecovered: (recovery) => seen.recoveries.push(recovery),
    onState: (state) => seen.states.push(state),
  });
  return { stream, seen, source: () => sources.at(-1) };
}

// One event a second for `count` seconds.
function beat(source, from, count) {
  for (let i = 0; i < count; ++i) {
    pass(1000);
    source.emit(`e-${from + i}`, { t: now });
  }
}

test('it is live while events come, and silent when they stop', () => {
  const { stream, seen, source } = opened();
  assert.equal(stream.state, 'connecting');
  source().succeed();
  assert.equal(stream.state, 'waiting');
  beat(source(), 1, 3);
  assert.equal(stream.state, 'live');
  pass(7000);
  assert.equal(stream.state, 'silent');
  source().emit('e-4', { t: now });
  assert.equal(stream.state, 'live');
  assert.deepEqual(seen.states, ['waiting', 'live', 'silent', 'live']);
});

test('it counts the history that the first connection brought', () => {
  const { seen, source } = opened();
  source().succeed();
  for (let i = 0; i < 600; ++i) source().emit(`e-${i}`, { t: now - (600 - i) * 1000 });
  source().emit('e-600', { t: now });
  pass(2500);
  assert.deepEqual(seen.recoveries, [{ awayMs: 0, caughtUp: 600, gap: null }]);
});

test('it counts what a reconnection caught up', () => {
  const { stream, seen, source } = opened();
  source().succeed();
  beat(source(), 1, 5);
  source().lose();
  assert.equal(stream.state, 'away');
  pass(10_000);
  source().succeed();
  for (let i = 0; i < 9; ++i) source().emit(`e-${6 + i}`, { t: now - (9 - i) * 1000 });
  source().emit('e-15', { t: now });
  assert.deepEqual(seen.events.slice(-2).map(({ late }) => late), [true, false]);
  pass(2500);
  assert.deepEqual(seen.recoveries.at(-1), { awayMs: 10_000, caughtUp: 9, gap: null });
  assert.equal(seen.gaps.length, 0);
});

test('it is not fooled by a sender whose clock is an hour off', () => {
  const { seen, source } = opened();
  const skew = 3_600_000;
  source().succeed();
  for (let i = 0; i < 5; ++i) {
    pass(1000);
    source().emit(`e-${i}`, { t: now + skew });
  }
  source().lose();
  pass(4000);
  source().succeed();
  for (let i = 0; i < 3; ++i) source().emit(`e-${5 + i}`, { t: now + skew - (3 - i) * 1000 });
  pass(2500);
  assert.equal(seen.recoveries.at(-1).caughtUp, 3);
});

test('it reports the gap that a reconnection met', () => {
  const { seen, source } = opened();
  source().succeed();
  beat(source(), 1, 2);
  source().lose();
  pass(3000);
  source().succeed();
  const gap = { reason: 'restarted', after: 'e-2', resumed: 'f-0' };
  source().emit('', gap, 'gap');
  pass(2500);
  assert.deepEqual(seen.gaps, [gap]);
  assert.deepEqual(seen.recoveries.at(-1), { awayMs: 3000, caughtUp: 0, gap });
});

test('after a long absence it waits for events before it speaks of silence', () => {
  const { stream, source } = opened();
  source().succeed();
  beat(source(), 1, 2);
  source().lose();
  pass(300_000);
  source().succeed();
  const before = sources.length;
  pass(1000);
  assert.equal(stream.state, 'live');
  assert.equal(sources.length, before, 'no connection was given up for its silence');
});

test('a connection that died without a word is opened anew from the last id', () => {
  const { stream, source } = opened();
  source().succeed();
  beat(source(), 1, 3);
  pass(14_000);
  assert.equal(sources.length, 1);
  pass(2000);
  assert.equal(sources.length, 2);
  assert.equal(sources[0].readyState, FakeEventSource.CLOSED);
  assert.equal(new URL(source().url).searchParams.get('last_event_id'), 'e-3');
  source().succeed();
  assert.equal(stream.state, 'silent', 'an open connection alone is no life');
  pass(20_000);
  assert.equal(sources.length, 2, 'the next attempt waits longer');
  source().emit('e-4', { t: now });
  assert.equal(stream.state, 'live');
});

test('a connection refused before its first event is opened anew from where the one before it began', () => {
  const { stream, source } = opened();
  source().succeed();
  source().emit('e-7', { position: 'e-7' }, '~position');
  assert.notEqual(stream.state, 'live', 'a place is no event');
  source().lose();
  source().refuse();
  pass(3500);
  assert.equal(sources.length, 2);
  assert.equal(new URL(source().url).searchParams.get('last_event_id'), 'e-7');
});

test('after a refusal it tries again from the last id, ever slower', () => {
  const { stream, source } = opened();
  source().succeed();
  beat(source(), 1, 1);
  source().refuse();
  assert.equal(stream.state, 'refused');
  pass(3500);
  assert.equal(sources.length, 2);
  assert.equal(new URL(source().url).searchParams.get('last_event_id'), 'e-1');
  source().refuse();
  pass(4500);
  assert.equal(sources.length, 2);
  pass(4000);
  assert.equal(sources.length, 3);
  source().succeed();
  source().emit('e-2', { t: now });
  assert.equal(stream.state, 'live');
});

test('what is not its own format is passed over, but its id counts', () => {
  const { stream, seen, source } = opened();
  source().succeed();
  source().emit('e-1', 'hello');
  source().emit('e-2', '[1]');
  source().emit('e-3', { no: 'time' });
  assert.equal(seen.events.length, 0);
  assert.equal(stream.lastId, 'e-3');
});

test('named events arrive like the others', () => {
  const { seen, source } = opened();
  source().succeed();
  source().emit('e-1', { t: now }, 'cpu');
  assert.equal(seen.events[0].type, 'cpu');
});
