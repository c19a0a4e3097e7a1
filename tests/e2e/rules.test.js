// The contract of Server-Sent Events, rule by rule, on the wire of the built broker: W1 to W12 are
// what the WHATWG text says of a stream's bytes, R1 to R14 what it and browsers say of requests and
// answers. A rule that binds the client alone appears by what it asks of a server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { RawConnection } from './harness/raw.js';
import { EventStreamParser } from './harness/subscriber.js';
import { until } from './harness/wait.js';

let broker;
before(async () => {
  broker = await Broker.start({
    set: ['cors.origins=["https://screen.example"]', 'cors.credentials=true'],
  });
});
after(() => broker.stop());

// A stream as its bytes: the head, and the body without its chunk framing.
class Wire {
  static async open(target, { fields = [], version = 'HTTP/1.1', port = broker.httpPort, body } = {}) {
    const wire = new Wire();
    wire.raw = await RawConnection.open(port);
    wire.raw.send([`GET ${target} ${version}`, 'Host: x', ...fields, '', ''].join('\r\n'));
    await wire.raw.until((text) => text.includes('\r\n\r\n'), 'a head');
    if (body !== undefined) await wire.until((text) => text.includes(body), body);
    return wire;
  }

  get head() { return this.raw.received.slice(0, this.raw.received.indexOf('\r\n\r\n') + 2); }
  get status() { return Number(this.head.split(' ')[1]); }
  get chunked() { return /^transfer-encoding: chunked\r$/im.test(this.head); }
  field(name) { return new RegExp(`^${name}: (.*)\r$`, 'im').exec(this.head)?.[1]; }
  get rest() { return this.raw.received.slice(this.head.length + 2); }

  // Whole chunks so far.
  get chunks() {
    const chunks = [];
    let text = this.rest;
    for (let match; (match = /^([0-9a-f]+)\r\n/i.exec(text));) {
      const size = parseInt(match[1], 16);
      const end = match[0].length + size + 2;
      if (text.length < end) break;
      chunks.push(text.slice(match[0].length, end - 2));
      text = text.slice(end);
    }
    return chunks;
  }
  get body() {
    return Buffer.from(this.chunked ? this.chunks.join('') : this.rest, 'latin1').toString('utf8');
  }

  async until(fact, what, seconds) {
    await this.raw.until(() => fact(this.body), what, seconds);
    return this.body;
  }
  // What an EventSource makes of it.
  get events() {
    const events = [];
    new EventStreamParser({ event: (event) => events.push(event) }).push(Buffer.from(this.body));
    return events;
  }
  close() { this.raw.close(); }
}

async function stream(t, query, options) {
  const wire = await Wire.open(`/events?${query}`, { body: ':\n', ...options });
  t.after(() => wire.close());
  return wire;
}

// The block of one event: publishes `data`, and resolves with what came.
async function block(wire, channel, data, options) {
  const id = await broker.publish(channel, data, options);
  const body = await wire.until((text) => text.includes(`id: ${id}\n\n`), `the event ${id}`);
  const end = body.indexOf(`id: ${id}\n\n`) + `id: ${id}\n\n`.length;
  const before_ = body.slice(0, end - 2);
  const start = before_.lastIndexOf('\n\n') < 0 ? before_.indexOf(':\n') + 2 : before_.lastIndexOf('\n\n') + 2;
  return { id, text: body.slice(start, end) };
}

const ndjson = (line) => request('http://x/publish', {
  method: 'POST', socketPath: broker.socket, body: `${line}\n`, headers: { 'Content-Type': 'application/x-ndjson' },
}).then(({ body }) => JSON.parse(body));

const post = (path, body) => request(`http://x${path}`, { method: 'POST', socketPath: broker.socket, body });

test('W1: every line ends with LF, and a CR from a publisher never ends one', async (t) => {
  const wire = await stream(t, 'channel=w1');
  const { text } = await block(wire, 'w1', 'a\rb\r\nc\nid: evil\r\revent: evil\n');
  assert.ok(!wire.body.includes('\r'));
  assert.match(text, /^data: a\ndata: b\ndata: c\ndata: id: evil\ndata: \ndata: event: evil\ndata: \nid: \S+\n\n$/);
  assert.equal(wire.events.at(-1).type, 'message');
});

test('W2: UTF-8 without a byte order mark; what is not UTF-8 is refused', async (t) => {
  const wire = await stream(t, 'channel=w2');
  const data = '\ufeffone \u2028 two \u0085 three \u{1f389}';
  await block(wire, 'w2', data);
  assert.notEqual(wire.body.codePointAt(0), 0xfeff);
  assert.equal(wire.events.at(-1).data, data);
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    const { status, body } = await post('/publish/w2', Buffer.from(bytes));
    assert.equal(status, 400);
    assert.match(body, /UTF-8/);
  }
});

test('W3: a heartbeat is a comment line, and no blank line', async (t) => {
  const wire = await stream(t, 'channel=w3&heartbeat=1');
  const body = await wire.until((text) => text.endsWith(':\n:\n:\n'), 'two heartbeats');
  assert.match(body, /^retry: \d+\nid: \S+\n:\n(:\n)+$/);
  assert.ok(wire.chunks.slice(-2).every((chunk) => chunk === ':\n'));
});

test('W4: the value follows one space, whatever it begins with', async (t) => {
  const wire = await stream(t, 'channel=w4');
  assert.match((await block(wire, 'w4', ' ')).text, /^data:  \nid/);
  assert.match((await block(wire, 'w4', ':  x: ')).text, /^data: :  x: \nid/);
  assert.deepEqual(wire.events.map(({ data }) => data), [' ', ':  x: ']);
});

test('W5: the four names in lower case, and no other', async (t) => {
  const wire = await stream(t, 'channel=w5');
  await block(wire, 'w5', 'Data: x\nID: y\n\n:z', { event: 'Event', retry: 5000 });
  for (const line of wire.body.split('\n')) assert.match(line, /^(|:|(event|data|id|retry): .*)$/);
});

test('W6: a data line per line, and one for nothing', async (t) => {
  const wire = await stream(t, 'channel=w6');
  assert.match((await block(wire, 'w6', '')).text, /^data: \nid: \S+\n\n$/);
  assert.match((await block(wire, 'w6', '\n')).text, /^data: \ndata: \nid: \S+\n\n$/);
  assert.deepEqual(wire.events.map(({ data }) => data), ['', '\n']);
});

test('W7: an event name is one line without control characters', async (t) => {
  const wire = await stream(t, 'channel=w7');
  for (const name of ['a\nb', 'a\rb', 'a\0b', 'a\x07b', 'x'.repeat(65)]) {
    const { status, body } = await post(`/publish/w7?event=${encodeURIComponent(name)}`, 'x');
    assert.equal(status, name.length > 64 ? 413 : 400, JSON.stringify(name));
    assert.match(body, /event/);
  }
  assert.match((await block(wire, 'w7', 'x', { event: 'Größe 1: ok' })).text, /^event: Größe 1: ok\ndata: x\n/);
});

test('W8: every event has an id that is never empty, and no id stands alone', async (t) => {
  const wire = await stream(t, 'channel=w8');
  for (let i = 0; i < 3; ++i) await block(wire, 'w8', `${i}`, { event: i ? 'e' : undefined });
  const blocks = wire.body.slice(wire.body.indexOf(':\n') + 2).split('\n\n').slice(0, -1);
  assert.equal(blocks.length, 3);
  for (const text of blocks) {
    assert.match(text, /^id: [0-9a-z]+-\d+$/m);
    assert.match(text, /^data: /m);
  }
});

test('W9: retry is digits within bounds, sent without a blank line before the first event', async (t) => {
  const wire = await stream(t, 'channel=w9');
  assert.match(wire.body, /^retry: \d+\nid: \S+\n:\n$/);
  assert.match((await block(wire, 'w9', 'x', { retry: 5000 })).text, /^retry: 5000\ndata: x\n/);
  for (const retry of ['99', '3600001', '1000ms', '-1', '1e3']) {
    const { status, body } = await post(`/publish/w9?retry=${retry}`, 'x');
    assert.equal(status, 400, retry);
    assert.match(body, /retry/);
  }
});

test('W10: an event without data is refused where data can be missing', async () => {
  const answer = await ndjson('{"channel":"w10","event":"e"}');
  assert.equal(answer.ok, false);
  assert.match(answer.error, /data/);
});

test('W11: events come whole, also when the stream is ended in the middle of many', async (t) => {
  const own = await Broker.start({ set: ['limits.drain=200ms'] });
  t.after(() => own.stop());
  const wire = await Wire.open('/events?channel=w11', { port: own.httpPort, body: ':\n' });
  t.after(() => wire.close());
  const publishing = (async () => {
    for (let i = 0; ; ++i) await own.publish('w11', `${i}\n`.repeat(50));
  })().catch(() => {});
  await wire.until((text) => text.split('\n\n').length > 20, 'some events');
  own.signal('SIGTERM');
  await wire.raw.untilClosed();
  await publishing;
  assert.ok(!wire.raw.received.endsWith('0\r\n\r\n'), 'come back: no last chunk');
  assert.equal(wire.chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join(''), wire.rest, 'no half chunk');
  const events = wire.body.slice(wire.body.indexOf(':\n') + 2).replace(/retry: \d+\n(:\n)?$/, '');
  assert.ok(events.endsWith('\n\n'), JSON.stringify(events.slice(-80)));
});

test('W12: event, retry, data, and the id last', async (t) => {
  const wire = await stream(t, 'channel=w12');
  const { text } = await block(wire, 'w12', 'a\nb', { event: 'e', retry: 100 });
  assert.match(text, /^event: e\nretry: 100\ndata: a\ndata: b\nid: \S+\n\n$/);
});

test('R1: no Accept is needed, and nothing is compressed unasked', async (t) => {
  for (const accept of [[], ['Accept: */*'], ['Accept: text/event-stream'], ['Accept: application/json']]) {
    const wire = await stream(t, 'channel=r1', { fields: [...accept, 'Accept-Encoding: gzip, deflate, br, zstd'] });
    assert.equal(wire.status, 200);
    assert.equal(wire.field('content-encoding'), undefined);
  }
});

test('R2: an empty Last-Event-ID counts as absent, and an invalid one is a gap, not an error', async (t) => {
  const first = await broker.publish('r2', 'before');
  const empty = await stream(t, 'channel=r2', { fields: ['Last-Event-ID: '] });
  await broker.publish('r2', 'live');
  await empty.until((text) => text.includes('data: live'), 'the live event');
  assert.deepEqual(empty.events.map(({ data }) => data), ['live']);
  const spaced = await stream(t, 'channel=r2', { fields: [`Last-Event-ID:   ${first}  `] });
  await spaced.until((text) => text.includes('data: live'), 'what was missed');
  assert.deepEqual(spaced.events.map(({ data }) => data), ['live']);
  for (const id of ['\xc3\xbc\xff', 'urn:uuid:1', '0', 'x'.repeat(500)]) {
    const wire = await stream(t, 'channel=r2', { fields: [`Last-Event-ID: ${id}`] });
    assert.equal(wire.status, 200);
    await wire.until((text) => text.includes('"reason":"unknown"'), 'the gap');
  }
});

test('R3: the type is exact, and the head and a first byte leave before any event', async (t) => {
  const wire = await stream(t, 'channel=r3');
  assert.equal(wire.field('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(wire.events.length, 0);
});

test('R4 and R5: 200 is always a stream; a full broker says come back; 204 says never', async (t) => {
  const own = await Broker.start({ set: ['limits.connections=8', 'server.shards=1'] });
  t.after(() => own.stop());
  const wires = [];
  t.after(() => wires.forEach((wire) => wire.close()));
  await until(async () => {
    wires.push(await Wire.open('/events?channel=r5', { port: own.httpPort }));
    return wires.some((wire) => wire.raw.closed);
  }, 'one too many');
  const refused = wires.find((wire) => wire.raw.closed);
  assert.equal(refused.status, 200);
  assert.equal(refused.field('content-type'), 'text/event-stream; charset=utf-8');
  assert.match(refused.body, /^retry: \d+\n/);
  assert.ok(!refused.raw.received.endsWith('0\r\n\r\n'), 'an end that is not clean');

  const id = await broker.publish('r5', 'last');
  await broker.finish('r5');
  const finished = await Wire.open('/events?channel=r5', { fields: [`Last-Event-ID: ${id}`] });
  t.after(() => finished.close());
  assert.equal(finished.status, 204);
  assert.match(finished.field('content-type'), /^text\/event-stream/);
  for (const target of ['/', '/events', '/events?channel=', '/nothing']) {
    const wire = await Wire.open(target);
    t.after(() => wire.close());
    assert.ok(wire.status === 400 || wire.status === 404, `${target}: ${wire.status}`);
  }
});

test('R6: nothing is redirected', async (t) => {
  for (const target of ['/events/', '//events', '/events/../events?channel=r6']) {
    const wire = await Wire.open(target);
    t.after(() => wire.close());
    assert.ok(wire.status < 300 || wire.status >= 400, `${target}: ${wire.status}`);
    assert.equal(wire.field('location'), undefined);
  }
});

test('R7: the reconnection time is chosen at random for each client', async (t) => {
  const times = new Set();
  for (let i = 0; i < 20; ++i) times.add(/^retry: (\d+)/.exec((await stream(t, 'channel=r7')).body)[1]);
  assert.ok(times.size > 10, `${[...times]}`);
});

test('R8: a broker that drains refuses connections, and answers no client with an error', async (t) => {
  const own = await Broker.start({ set: ['limits.drain=1s'] });
  t.after(() => own.stop());
  const wires = [];
  for (let i = 0; i < 30; ++i) wires.push(await Wire.open('/events?channel=r8', { port: own.httpPort, body: ':\n' }));
  t.after(() => wires.forEach((wire) => wire.close()));
  own.signal('SIGTERM');
  await until(() => wires.some((wire) => wire.raw.closed), 'the drain begins');
  const late = []; // let in by a shard that had not heard of it yet
  await until(async () => {
    try {
      const raw = await RawConnection.open(own.httpPort);
      late.push(raw.send('GET /events?channel=r8 HTTP/1.1\r\nHost: x\r\n\r\n'));
      return false;
    } catch (error) {
      return error.code === 'ECONNREFUSED';
    }
  }, 'connections are refused');
  for (const raw of late) assert.match(await raw.untilClosed(), /^$|^HTTP\/1.1 200 /);
  for (const wire of wires) {
    await wire.raw.untilClosed();
    assert.equal(wire.status, 200);
    assert.ok(!wire.raw.received.endsWith('0\r\n\r\n'));
  }
});

test('R9: every status carries the CORS fields, for the origins that are allowed', async (t) => {
  const id = await broker.publish('r9', 'x');
  await broker.finish('r9');
  for (const [target, status] of [['/events?channel=live', 200], [`/events?channel=r9&last_event_id=${id}`, 204], ['/events?channel=', 400], ['/nothing', 404]]) {
    const wire = await Wire.open(target, { fields: ['Origin: https://screen.example'] });
    t.after(() => wire.close());
    assert.equal(wire.status, status);
    assert.equal(wire.field('access-control-allow-origin'), 'https://screen.example');
    assert.equal(wire.field('access-control-allow-credentials'), 'true');
    assert.match(wire.field('vary'), /Origin/);
    const other = await Wire.open(target, { fields: ['Origin: https://evil.example'] });
    t.after(() => other.close());
    assert.equal(other.field('access-control-allow-origin'), undefined);
    assert.match(other.field('vary'), /Origin/);
  }
});

test('R10: a preflight is answered, and ids never ask for one', async () => {
  const { status, headers } = await request(`${broker.url}/events?channel=r10`, {
    method: 'OPTIONS',
    headers: { Origin: 'https://screen.example', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'last-event-id' },
  });
  assert.equal(status, 204);
  assert.match(headers['access-control-allow-methods'], /GET.*POST/);
  for (const name of ['authorization', 'cache-control', 'content-type', 'last-event-id', 'accept']) {
    assert.ok(headers['access-control-allow-headers'].toLowerCase().includes(name), name);
  }
  assert.ok(Number(headers['access-control-max-age']) > 0);
  assert.match(await broker.publish('r10', 'x'), /^[A-Za-z0-9._-]{1,128}$/);
});

test('R11: a client may ask for a heartbeat its stack can live with, within limits', async (t) => {
  const calm = await stream(t, 'channel=r11&heartbeat=60');
  const began = performance.now();
  const greedy = await stream(t, 'channel=r11&heartbeat=1ms');
  await greedy.until((text) => text.endsWith(':\n'.repeat(4)), 'three heartbeats');
  assert.ok(performance.now() - began > 1900, 'no more often than heartbeat_min');
  assert.ok(calm.body.split(':\n').length <= 3, 'its first one may come early, no more');
});

test('R12: one connection carries many channels', async (t) => {
  const channels = Array.from({ length: 50 }, (_, i) => `r12/${i}`);
  const wire = await stream(t, channels.map((channel) => `channel=${channel}`).join('&'));
  for (const channel of channels) await broker.publish(channel, channel);
  await wire.until((text) => text.includes('r12/49\n'), 'the last');
  assert.deepEqual(wire.events.map(({ data }) => data), channels);
});

test('R13: chunks to HTTP/1.1, whole events in each; to HTTP/1.0 until the connection ends', async (t) => {
  const chunked = await stream(t, 'channel=r13');
  assert.ok(chunked.chunked);
  const plain = await stream(t, 'channel=r13', { version: 'HTTP/1.0' });
  assert.ok(!plain.chunked);
  assert.equal(plain.field('content-length'), undefined);
  const { text } = await block(chunked, 'r13', 'x');
  assert.ok(chunked.chunks.includes(text));
  await plain.until((body) => body.endsWith(text), 'the same bytes');
});

test('R14: no cache keeps a stream, and no proxy holds it back', async (t) => {
  const wire = await stream(t, 'channel=r14');
  assert.equal(wire.field('cache-control'), 'no-store, no-cache, no-transform');
  assert.equal(wire.field('x-accel-buffering'), 'no');
});
