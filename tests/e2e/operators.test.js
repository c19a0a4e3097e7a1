// What an operator sees of connections and channels over two shards, and closes: from outside, with real sockets.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { RawConnection } from './harness/raw.js';
import { Subscriber } from './harness/subscriber.js';
import { kEncrypted, kHttp2 } from './harness/transport.js';
import { until } from './harness/wait.js';

let broker;
before(async () => {
  broker = await Broker.start({ set: ['server.shards=2', 'history.bytes=64MiB', 'delivery.slow=skip'] });
});
after(async () => { await broker?.stop(); });

const api = async (path, method = 'GET', headers = {}) => {
  const answer = await request(`${broker.adminUrl}/api/${path}`, { method, headers });
  return { ...answer, body: JSON.parse(answer.body) };
};
const rows = async (query = '') => (await api(`connections?${query}`)).body.connections;
const open = async (t, query) => {
  const stream = await new Subscriber(broker.url, query, { reconnect: false }).opened();
  t.after(() => stream.close());
  return stream;
};

test('every stream of every shard is on one page, with what the kernel says of it', async (t) => {
  for (let i = 0; i < 9; ++i) await open(t, `channel=room/${i}&who=${i}`);
  const listed = await until(async () => {
    const found = await rows('sort=address');
    return found.length === 9 && found;
  }, 'all are listed');
  assert.equal(new Set(listed.map(({ id }) => id)).size, 9);
  const seen = new Set();
  for (let offset = 0; offset !== null;) {
    const { body } = await api(`connections?limit=4&sort=-age&offset=${offset}`);
    assert.equal(body.total, 9);
    body.connections.forEach(({ id }) => seen.add(id));
    offset = body.next;
  }
  assert.equal(seen.size, 9);
  for (const row of listed) {
    assert.equal(row.state, 'live');
    assert.equal(row.tls, kEncrypted);
    assert.equal(row.protocol, kHttp2 ? 'h2' : 'http/1.1');
    assert.match(row.address, /^127\.0\.0\.1:\d+$/);
    assert.match(row.query, /^channel=room\/\d&who=\d$/);
    assert.equal(row.lag_events, 0);
    if (row.tcp) assert.ok(row.tcp.sent_bytes > 0 && row.tcp.rtt_ms > 0, JSON.stringify(row.tcp));
  }
  const { body } = await api('channels?sort=-subscribers');
  assert.deepEqual(body.channels, [], 'nothing was published');
});

test('a client that does not read is first by its lag, with what waits for it', { skip: kHttp2 }, async (t) => {
  const slow = await RawConnection.open(broker.httpPort);
  t.after(() => slow.close());
  slow.send('GET /events?channel=flood HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await slow.until((text) => text.includes('retry:'), 'its stream is open');
  slow.socket.pause();
  await open(t, 'channel=flood&who=prompt');
  const text = 'x'.repeat(60_000);
  const row = await until(async () => {
    await Promise.all(Array.from({ length: 20 }, () => broker.publish('flood', text)));
    const [first] = await rows('sort=-lag&channel=flood');
    return first?.state === 'blocked' && first.lag_events > 10 && first.lag_ms > 100 && first;
  }, 'the slow one is blocked', 20);
  assert.ok(row.queued_bytes > 0);
  if (row.tcp) assert.ok(row.tcp.unacked_bytes > 0);
  // The one that reads may be blocked as well, for as long as it takes to read.
  await until(async () => {
    const blocked = await rows('state=blocked');
    return blocked.length === 1 && blocked[0].id === row.id;
  }, 'of the blocked ones it alone is left');
  const { body } = await api('channels?sort=-bytes');
  assert.equal(body.channels[0].name, 'flood');
  assert.equal(body.channels[0].subscribers, 2);
  assert.match(body.channels[0].last, /^[0-9a-z]+-\d+$/);
});

test('what cannot be meant is refused with a sentence', async () => {
  for (const [path, sentence] of [
    ['connections?adress=1.2.3.4', /unknown parameter "adress": the parameters are kind, address/],
    ['connections?sort=rtt', /one of lag, lag_ms, queued, age, address/],
    ['channels?limit=5000', /a number up to 1000/],
  ]) {
    const { status, body } = await api(path);
    assert.equal(status, 400);
    assert.match(body.error, sentence);
  }
});

test('an operator closes one stream, or all of an address, and the client comes back when it is told to', async (t) => {
  const one = await open(t, 'channel=close/1');
  const other = await open(t, 'channel=close/2');
  const [row] = await until(async () => {
    const found = await rows('channel=close/1');
    return found.length === 1 && found;
  }, 'it is listed');
  const closed = await api(`connections/${row.id}/close?retry=7s&reason=too%20many%20tabs`, 'POST');
  assert.deepEqual(closed.body, { closed: 1 });
  await until(() => one.connections[0].clean !== null, 'its end');
  assert.ok(one.retries.at(-1) >= 7000 && one.retries.at(-1) <= 10_500, `${one.retries}`);
  assert.equal((await api(`connections/${row.id}/close`, 'POST')).status, 404);
  assert.equal((await api('close?address=127.0.0.1', 'POST', { origin: 'http://evil.example' })).status, 403);
  assert.equal((await rows('channel=close/2')).length, 1, 'the other goes on');
  assert.ok((await api('close?address=127.0.0.0/8', 'POST')).body.closed >= 1);
  await until(async () => (await rows()).length === 0, 'all are gone');
  await until(async () => await broker.metric('stream_ends_total{reason="dismissed"}') >= 2, 'both are counted');
  assert.equal(other.retries.length, 2);
});
