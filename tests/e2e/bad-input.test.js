// Malformed and hostile input: the right refusal, the connection closed where RFC 9112 demands it,
// nothing leaked, and another subscriber that noticed nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { RawConnection, sendUntilClosed } from './harness/raw.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

let broker;
let witness; // the subscriber that must not notice
let published = 0;

before(async () => {
  broker = await Broker.start({ set: ['limits.head_time=1s', 'limits.idle_time=2s', 'server.shards=2'] });
  witness = await new Subscriber(broker.url, ['witness'], { reconnect: false }).opened();
});
after(async () => {
  witness.close();
  await broker.stop();
});

// After each case: the witness still gets the next event, on the same connection.
async function undisturbed() {
  await broker.publish('witness', `${published++}`);
  await witness.count(published);
  assert.equal(witness.data.at(-1), `${published - 1}`);
  assert.equal(witness.connections.length, 1);
}

const kHost = 'Host: x\r\n';
const head = (line, ...fields) => [line, 'Host: x', ...fields, '', ''].join('\r\n');
// A second request that a smuggler would hide: it must never be answered.
const kSmuggled = 'GET /events?channel=smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

// [what, bytes, status]: answered with exactly one refusal, then closed.
const refused = [
  ['a length and chunks together', head('POST /events HTTP/1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked') + `0\r\n\r\n${kSmuggled}`, 400],
  ['chunks and a length, the other way round', head('POST /events HTTP/1.1', 'Transfer-Encoding: chunked', 'Content-Length: 5') + `0\r\n\r\n${kSmuggled}`, 400],
  ['two different lengths', head('POST /events HTTP/1.1', 'Content-Length: 5', 'Content-Length: 6') + `hello${kSmuggled}`, 400],
  ['two lengths in one field', head('POST /events HTTP/1.1', 'Content-Length: 5, 6') + `hello${kSmuggled}`, 400],
  ['a negative length', head('POST /events HTTP/1.1', 'Content-Length: -1') + kSmuggled, 400],
  ['a length with a sign', head('POST /events HTTP/1.1', 'Content-Length: +5') + `hello${kSmuggled}`, 400],
  ['a length in hexadecimal', head('POST /events HTTP/1.1', 'Content-Length: 0x5') + `hello${kSmuggled}`, 400],
  ['a length past 64 bits', head('POST /events HTTP/1.1', 'Content-Length: 18446744073709551621') + `hello${kSmuggled}`, [400, 413]],
  ['an empty length', head('POST /events HTTP/1.1', 'Content-Length:') + kSmuggled, 400],
  ['an unknown transfer coding', head('POST /events HTTP/1.1', 'Transfer-Encoding: gzip') + kSmuggled, [400, 501]],
  ['chunked twice', head('POST /events HTTP/1.1', 'Transfer-Encoding: chunked, chunked') + `0\r\n\r\n${kSmuggled}`, 400],
  ['chunked, but not last', head('POST /events HTTP/1.1', 'Transfer-Encoding: chunked, gzip') + `0\r\n\r\n${kSmuggled}`, [400, 501]],
  ['a coding that only looks chunked', head('POST /events HTTP/1.1', 'Transfer-Encoding: xchunked') + `0\r\n\r\n${kSmuggled}`, [400, 501]],
  ['chunks to HTTP/1.0', `POST /events HTTP/1.0\r\n${kHost}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${kSmuggled}`, 400],
  ['a space before the colon', head('GET /events?channel=a HTTP/1.1', 'Content-Length : 5') + kSmuggled, 400],
  ['a folded field', head('GET /events?channel=a HTTP/1.1', 'X-A: b', ' folded: c'), 400],
  ['a fold before any field', 'GET /events?channel=a HTTP/1.1\r\n Host: x\r\n\r\n', 400],
  ['a bare LF after a field', 'GET /events?channel=a HTTP/1.1\r\nHost: x\nX: y\r\n\r\n', 400],
  ['a bare LF after the request line', 'GET /events?channel=a HTTP/1.1\nHost: x\r\n\r\n', 400],
  ['a bare CR in a value', head('GET /events?channel=a HTTP/1.1', 'X: a\rb'), 400],
  ['a NUL in a value', head('GET /events?channel=a HTTP/1.1', 'X: a\0b'), 400],
  ['a NUL in the target', head('GET /events?channel=a\0b HTTP/1.1'), 400],
  ['a control character in a name', head('GET /events?channel=a HTTP/1.1', 'X\x01: a'), 400],
  ['an empty field name', head('GET /events?channel=a HTTP/1.1', ': a'), 400],
  ['a field without a colon', head('GET /events?channel=a HTTP/1.1', 'nonsense'), 400],
  ['no Host', 'GET /events?channel=a HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', head('GET /events?channel=a HTTP/1.1', 'Host: y'), 400],
  ['two spaces in the request line', `GET  /events?channel=a HTTP/1.1\r\n${kHost}\r\n`, 400],
  ['a tab in the request line', `GET\t/events?channel=a\tHTTP/1.1\r\n${kHost}\r\n`, 400],
  ['a target without a slash', head('GET events HTTP/1.1'), 400],
  ['a version that is none', head('GET /events?channel=a HTTP/1.x'), 400],
  ['HTTP/2 by name', head('GET /events?channel=a HTTP/2.0'), [400, 505]],
  ['HTTP/0.9', 'GET /events?channel=a\r\n', [400, 505]],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + '\x00'.repeat(64) + '\r\n\r\n', 400],
  ['nonsense', `${'\xff\xfe\x00\x01'.repeat(8)}\r\n\r\n`, 400],
  ['a target too long', head(`GET /events?channel=a&x=${'y'.repeat(9000)} HTTP/1.1`), 414],
  ['a head too large', head('GET /events?channel=a HTTP/1.1', ...Array.from({ length: 40 }, (_, i) => `X-${i}: ${'y'.repeat(500)}`)), 431],
  ['too many fields', head('GET /events?channel=a HTTP/1.1', ...Array.from({ length: 120 }, (_, i) => `X-${i}: y`)), 431],
  ['a body too large', head('POST /events HTTP/1.1', 'Content-Length: 70000'), 413],
  ['chunks that grow too large', head('POST /events HTTP/1.1', 'Transfer-Encoding: chunked') + `11170\r\n${'x'.repeat(70_000)}\r\n0\r\n\r\n`, 413],
  ['a chunk size that is none', head('POST /events HTTP/1.1', 'Transfer-Encoding: chunked') + `xyz\r\n${kSmuggled}`, 400],
  ['a chunk size past 64 bits', head('POST /events HTTP/1.1', 'Transfer-Encoding: chunked') + `1ffffffffffffffff\r\n${kSmuggled}`, [400, 413]],
  ['a chunk that ends too late', head('POST /events HTTP/1.1', 'Transfer-Encoding: chunked') + `1\r\nab\r\n0\r\n\r\n${kSmuggled}`, 400],
  ['a chunk size ended by a bare LF', head('POST /events HTTP/1.1', 'Transfer-Encoding: chunked') + `1\na\r\n0\r\n\r\n${kSmuggled}`, 400],
];

for (const [what, bytes, status] of refused) {
  test(`a request with ${what} is refused once and closed`, async () => {
    const answer = await sendUntilClosed(broker.httpPort, bytes);
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
    assert.equal(statuses.length, 1, `exactly one answer: ${answer}`);
    assert.ok([status].flat().includes(statuses[0]), `status ${status}: ${answer}`);
    assert.match(answer, /^connection: close\r$/im);
    assert.match(answer, /\r\n\r\n[^]*[a-z]/, 'a sentence says why');
    await undisturbed();
  });
}

test('the HTTP/2 preface on a port that does not speak it is refused and closed', async () => {
  const answer = await sendUntilClosed(broker.adminPort, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00');
  assert.ok(!answer.includes('text/event-stream'));
  assert.match(answer, /^HTTP\/1\.1 (400|505) /);
  await undisturbed();
});

test('the same bytes, one by one, are refused in the same way', async () => {
  const raw = await RawConnection.open(broker.httpPort);
  for (const byte of head('POST /events HTTP/1.1', 'Content-Length: 5', 'Content-Length: 6')) raw.send(byte);
  assert.match(await raw.untilClosed(), /^HTTP\/1\.1 400 /);
  raw.close();
  await undisturbed();
});

test('a head that never ends is closed after its time', async () => {
  const raw = await RawConnection.open(broker.httpPort);
  raw.send('GET /events?channel=a HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  const answer = await raw.untilClosed(10);
  assert.ok(answer === '' || /^HTTP\/1\.1 408 /.test(answer), answer);
  raw.close();
  await undisturbed();
});

test('a connection that says nothing is closed after its time', async () => {
  const raw = await RawConnection.open(broker.httpPort);
  await raw.untilClosed(10);
  raw.close();
  await undisturbed();
});

test('an idle keep-alive connection is closed after its time, not before its answer', async () => {
  const raw = await RawConnection.open(broker.httpPort);
  raw.send(head('OPTIONS /events HTTP/1.1'));
  assert.match(await raw.untilClosed(10), /^HTTP\/1\.1 204 /);
  raw.close();
});

test('requests in one write are answered in order on one connection', async () => {
  const raw = await RawConnection.open(broker.httpPort);
  raw.send(head('OPTIONS /events HTTP/1.1') + head('GET /nowhere HTTP/1.1') + head('OPTIONS /events HTTP/1.1', 'Connection: close'));
  const answer = await raw.untilClosed();
  assert.deepEqual([...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1]), ['204', '404', '204']);
  raw.close();
});

test('the refusal of a bad subscription says what would be right, and keeps the CORS and stream rules', async () => {
  const cases = [
    ['/events', 400], ['/events?channel=', 400], ['/events?channel=no%20spaces', 400],
    [`/events?channel=${'x'.repeat(256)}`, 400], ['/events?channel=%zz', 400], ['/events?channel=%ff', 400],
    ['/events?channel=~admin/live', [400, 403]], ['/nowhere', 404],
    [`/events?${Array.from({ length: 129 }, (_, i) => `channel=c${i}`).join('&')}`, 400],
  ];
  for (const [target, status] of cases) {
    const answer = await request(`${broker.url}${target}`);
    assert.ok([status].flat().includes(answer.status), `${target.slice(0, 60)}: ${answer.status}`);
    assert.ok(answer.body.length > 10, `${target.slice(0, 60)}: a sentence`);
  }
  const method = await request(`${broker.url}/events?channel=a`, { method: 'DELETE' });
  assert.equal(method.status, 405);
  assert.match(method.headers.allow, /GET/);
  await undisturbed();
});

test('an invalid cursor is a gap, not an error', async (t) => {
  await broker.publish('cursor', 'kept');
  for (const id of ['nonsense', 'zzzzzzz-5', '-1', '0', 'a'.repeat(200), 'ümlaut']) {
    const seen = new Subscriber(broker.url, ['cursor'], { reconnect: false, headers: { 'Last-Event-ID': Buffer.from(id).toString('latin1') } });
    t.after(() => seen.close());
    await seen.count(1);
    assert.match(seen.log[0].gap?.reason, /unknown|restarted/, id);
    assert.deepEqual(seen.data, ['kept']);
  }
});

// ---- publishers

// [what, bytes, what the reply says]; the connection goes on and answers a good publish after it.
const goesOn = [
  ['NDJSON that is broken', '{"channel":"in","data":"x"\n', /"error":/],
  ['NDJSON without data', '{"channel":"in"}\n', /"error":.*data/],
  ['NDJSON of another shape', '[1,2]\n', /"error":/],
  ['an unknown field', '{"channel":"in","data":"x","colour":"red"}\n', /"error":.*colour/],
  ['a channel with a space', '{"channel":"a b","data":"x"}\n', /"error":/],
  ['a channel too long', `{"channel":"${'x'.repeat(256)}","data":"x"}\n`, /"error":.*255/],
  ["the broker's own channel", '{"channel":"~admin/live","data":"x"}\n', /"error":/],
  ['a line feed in the event name', '{"channel":"in","event":"a\\nb","data":"x"}\n', /"error":/],
  ['a NUL in the event name', '{"channel":"in","event":"a\\u0000b","data":"x"}\n', /"error":/],
  ['a lone surrogate', '{"channel":"in","data":"\\ud83d"}\n', /"error":/],
  ['bytes that are not UTF-8', '{"channel":"in","data":"\xff\xfe"}\n', /"error":/],
  ['an event too large', `{"channel":"in","data":"${'x'.repeat(70_000)}"}\n`, /"error":.*65536|"error":.*64 ?KiB/],
];

for (const [what, bytes, reply] of goesOn) {
  test(`NDJSON: ${what} is refused and the connection goes on`, async () => {
    const raw = await RawConnection.open(broker.socket);
    raw.send(bytes).send('{"channel":"in","data":"good"}\n');
    const answer = await raw.until((text) => text.split('\n').length === 3, 'two reply lines');
    raw.close();
    const [first, second] = answer.split('\n');
    assert.match(first, reply);
    assert.ok(JSON.parse(first).error.length > 10, 'a sentence');
    assert.match(second, /"id":"/);
    await undisturbed();
  });
}

const words = (...list) => `*${list.length}\r\n${list.map((w) => `$${w.length}\r\n${w}\r\n`).join('')}`;
const respGoesOn = [
  ['words that are no command', 'HELO there\r\n'],
  ['an unknown command', words('FLUSHALL')],
  ['too few arguments', words('PUBLISH', 'in')],
  ['a channel with a space', words('PUBLISH', 'a b', 'x')],
  ['bytes that are not UTF-8', words('PUBLISH', 'in', '\xff\xfe')],
  ['an unknown field', words('XADD', 'in', '*', 'colour', 'red')],
  ['an event too large', words('PUBLISH', 'in', 'x'.repeat(70_000))],
  ['SUBSCRIBE', words('SUBSCRIBE', 'in')],
];

for (const [what, bytes] of respGoesOn) {
  test(`RESP: ${what} is refused and the connection goes on`, async () => {
    const raw = await RawConnection.open(broker.socket);
    raw.send(bytes).send(words('PING'));
    const answer = await raw.until((text) => text.includes('+PONG'), 'the PONG after the error');
    raw.close();
    assert.match(answer, /^-(ERR|NOPROTO|WRONG\w*) .{10,}\r\n\+PONG\r\n$/);
    await undisturbed();
  });
}

// [what, bytes]: there is no way on; an error, then closed.
const hopeless = [
  ['a binary greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a RESP array of a negative bulk', '*1\r\n$-5\r\n'],
  ['a RESP array too long', '*99999999999\r\n'],
  ['a RESP bulk without its size', '*1\r\nPING\r\n'],
  ['an HTTP publish with two lengths', 'POST /publish/in HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
];

for (const [what, bytes] of hopeless) {
  test(`ingest: ${what} is answered with an error and closed`, async () => {
    const answer = await sendUntilClosed(broker.socket, bytes);
    assert.match(answer, /ERR|error|HTTP\/1\.1 (400|505)/);
    await undisturbed();
  });
}

test('bodies that never end cannot fill the memory: beyond their bound they are refused', async (t) => {
  const own = await Broker.start({ set: ['limits.bodies_bytes=1MiB', 'limits.ingest_batch_bytes=1MiB'] });
  t.after(() => own.stop());
  const batch = (bytes) => `${head('POST /publish HTTP/1.1', 'Content-Type: application/x-ndjson', `Content-Length: ${bytes}`)}`;
  const held = await RawConnection.open(own.socket);
  t.after(() => held.close());
  held.send(batch(1_000_000) + ' '.repeat(900_000));
  const announced = await until(async () => {
    const text = await sendUntilClosed(own.socket, batch(200_000), 0.3); // or it was let in
    return text.startsWith('HTTP/1.1 503') && text;
  }, 'a second batch is refused by its length');
  assert.match(announced, /bodies_bytes/);
  const chunked = await RawConnection.open(own.socket);
  t.after(() => chunked.close());
  chunked.send(head('POST /publish HTTP/1.1', 'Content-Type: application/x-ndjson', 'Transfer-Encoding: chunked'));
  chunked.send(`30d40\r\n${' '.repeat(200_000)}\r\n`);
  assert.match(await chunked.untilClosed(), /^HTTP\/1\.1 503 /);
  await until(async () => (await own.metric('bodies_refused_total')) >= 2, 'they are counted');
  const id = await own.publish('small', 'still published');
  held.close();
  assert.match(id, /-[0-9]+$/);
  await until(async () => !(await sendUntilClosed(own.socket, `${batch(200_000)}${' '.repeat(200_000)}` +
    head('GET / HTTP/1.1', 'Connection: close'))).startsWith('HTTP/1.1 503'), 'room again when the first has gone');
});

test('HTTP publishes are refused with their status and the connection goes on', async () => {
  const publish = (target, body, options = {}) => request(`http://x${target}`, { method: 'POST', body, socketPath: broker.socket, ...options });
  assert.equal((await publish('/publish/a%20b', 'x')).status, 400);
  assert.equal((await publish('/publish/in?event=a%0Ab', 'x')).status, 400);
  assert.equal((await publish('/publish/in?retry=soon', 'x')).status, 400);
  assert.equal((await publish('/publish/in', Buffer.from([0xff, 0xfe]))).status, 400);
  assert.equal((await publish('/publish/in', 'x'.repeat(70_000))).status, 413);
  assert.equal((await publish('/nowhere', 'x')).status, 404);
  assert.equal((await publish('/publish/in', undefined, { method: 'GET' })).status, 405);
  assert.match((await publish('/publish/in', Buffer.from([0xff]))).body, /base64/, 'a hint for binary data');
  await undisturbed();
});

test('a publisher whose connection breaks inside an event publishes nothing of it', async () => {
  const seen = await new Subscriber(broker.url, ['cut'], { reconnect: false }).opened();
  for (const half of ['{"channel":"cut","data":"ha', '*3\r\n$7\r\nPUBLISH\r\n$3\r\ncut\r\n$10\r\nhal',
    'POST /publish/cut HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhal']) {
    const raw = await RawConnection.open(broker.socket);
    await new Promise((resolve) => raw.socket.write(half, resolve));
    raw.close();
  }
  await until(async () => (await broker.metric('ingest_connections_open')) === 0, 'the publishers are gone');
  await broker.publish('cut', 'whole');
  await seen.count(1);
  assert.deepEqual(seen.data, ['whole']);
  seen.close();
});

test('nothing is leaked: only the witness is left', async () => {
  await until(async () => {
    const metrics = await broker.metrics();
    return metrics.fanfare_connections_open === 1 && metrics.fanfare_subscribers === 1 &&
      metrics.fanfare_ingest_connections_open === 0;
  }, 'one connection, one subscriber, no publisher');
  // Each shard's figures are copied ten times a second: what has just happened may be missing for so long.
  await until(async () => {
    const metrics = await broker.metrics();
    return metrics.fanfare_requests_refused_total >= refused.length &&
      metrics['fanfare_closes_total{reason="bad_request"}'] >= refused.length / 2 &&
      metrics.fanfare_ingest_errors_total >= goesOn.length;
  }, 'every refusal is counted');
  await undisturbed();
});
