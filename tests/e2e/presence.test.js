// The subscribers of a channel: asked for over HTTP, in JSON lines and with Redis's words, over several shards; and
// an application (a real node server) that is told when channels become occupied and vacant.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { Redis } from 'ioredis';

import { Application } from './harness/application.js';
import { Broker } from './harness/broker.js';
import { temporaryFolder } from './harness/folder.js';
import { RawConnection } from './harness/raw.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const run = promisify(execFile);
const folder = temporaryFolder();
const kSecret = 's3cret';
let application;
let broker;
let refusals = 0;
let occupied = new Set();
const ids = new Set();

// What an application does: it checks the signature, knows repetitions, and keeps a set.
const hooks = ({ headers, body }, answer) => {
  const signed = createHmac('sha256', kSecret).update(`${headers['fanfare-timestamp']}.${body}`).digest('hex');
  assert.equal(headers['fanfare-signature'], `sha256=${signed}`);
  if (refusals > 0) { refusals -= 1; answer.writeHead(503).end(); return; }
  const { id, events } = JSON.parse(body);
  if (!ids.has(id)) {
    ids.add(id);
    for (const { name, channel } of events) {
      if (name === 'reset') occupied = new Set();
      if (name === 'channel_occupied') occupied.add(channel);
      if (name === 'channel_vacant') occupied.delete(channel);
    }
  }
  answer.writeHead(204).end();
};

before(async () => {
  application = await Application.start({ '/hooks': hooks }, { path: join(folder, 'app.sock') });
  const config = join(folder, 'broker.toml');
  writeFileSync(config, `[[hook]]\nurl = "unix:${application.path}:/hooks"\nchannels = ["room/**"]\n` +
    `secret = "${kSecret}"\nsettle = "300ms"\n`);
  broker = await Broker.start({ config, set: ['server.shards=2'] });
});
after(async () => {
  await broker?.stop();
  await application?.stop();
});

const get = (path, method = 'GET') => new Promise((resolve, reject) => {
  http.request({ socketPath: broker.socket, path, method }, async (response) => {
    let body = '';
    for await (const piece of response) body += piece;
    resolve({ status: response.statusCode, headers: response.headers, body: body && JSON.parse(body) });
  }).on('error', reject).end();
});

test('a channel has the streams of all shards, by name and by pattern, each once, on pages', async (t) => {
  const streams = [];
  for (let i = 0; i < 7; ++i) streams.push(await new Subscriber(broker.url, `channel=room/7&who=${i}`).opened());
  streams.push(await new Subscriber(broker.url, 'channel=room/*&channel=room/7').opened());
  streams.push(await new Subscriber(broker.url, 'channel=room/**').opened());
  t.after(() => streams.forEach((stream) => stream.close()));
  await until(async () => (await get('/channels/room/7/subscribers?limit=0')).body.count === 9, 'all are counted');
  const listed = [];
  for (let after = ''; ;) {
    const { body } = await get(`/channels/room/7/subscribers?limit=4${after}`);
    assert.equal(body.count, 9);
    listed.push(...body.subscribers);
    if (!body.next) break;
    after = `&after=${body.next}`;
  }
  assert.equal(new Set(listed.map(({ connection }) => connection)).size, 9);
  assert.deepEqual(listed.filter(({ pattern }) => pattern).map(({ pattern }) => pattern), ['room/**']);
  for (const { since_ms: since } of listed) assert.ok(Math.abs(Date.now() - since) < 60_000, `${since}`);
  const head = await get('/channels/room/7/subscribers', 'HEAD');
  assert.equal(head.headers['fanfare-subscribers'], '9');
  streams.pop().close();
  await until(async () => (await get('/channels/room/7/subscribers?limit=0')).body.count === 8, 'one has left');
});

test('Redis clients read PUBSUB as from Redis', async (t) => {
  const stream = await new Subscriber(broker.url, 'channel=chat&channel=chat/*').opened();
  t.after(() => stream.close());
  await until(async () => (await get('/channels/chat/subscribers?limit=0')).body.count === 1, 'it is counted');
  const redis = new Redis({ path: broker.socket });
  t.after(() => redis.disconnect());
  assert.deepEqual(await redis.pubsub('NUMSUB', 'chat', 'nobody'), ['chat', 1, 'nobody', 0]);
  assert.deepEqual(await redis.pubsub('CHANNELS', 'chat*'), ['chat']);
  await until(async () => (await redis.pubsub('NUMPAT')) === 1, 'one pattern, once the streams of other tests have left');
  const { stdout } = await run('redis-cli', ['-s', broker.socket, 'PUBSUB', 'NUMSUB', 'chat', 'nobody']);
  assert.equal(stdout, 'chat\n1\nnobody\n0\n');
});

test('a watcher that folds its lines has what the list says', async (t) => {
  const early = await new Subscriber(broker.url, 'channel=hall').opened();
  const watcher = await RawConnection.open(broker.socket);
  t.after(() => { watcher.socket.destroy(); early.close(); });
  watcher.send('{"op":"watch","channels":["hall"]}\n');
  await until(() => watcher.received.includes('{"event":"present","streams":1}'), 'it has the one that was there');
  const late = await new Subscriber(broker.url, 'channel=hall').opened();
  early.close();
  const there = () => {
    const found = new Set();
    for (const line of watcher.received.split('\n').filter(Boolean).map((text) => JSON.parse(text))) {
      if (line.event === 'subscribe') found.add(line.connection);
      if (line.event === 'unsubscribe') found.delete(line.connection);
    }
    return found;
  };
  await until(() => there().size === 1 && watcher.received.includes('unsubscribe'), 'the first has left');
  const { body } = await get('/channels/hall/subscribers');
  assert.deepEqual(body.subscribers.map(({ connection }) => connection), [...there()]);
  late.close();
});

test('an application is told which channels are occupied, whatever it has refused', async () => {
  refusals = 2;
  const first = await new Subscriber(broker.url, 'channel=room/a').opened();
  const second = await new Subscriber(broker.url, 'channel=room/a&channel=room/b&channel=hall').opened();
  await until(() => occupied.has('room/a') && occupied.has('room/b'), 'both rooms are occupied');
  assert.ok(!occupied.has('hall'));
  first.close();
  second.close();
  await until(() => !occupied.has('room/a') && !occupied.has('room/b'), 'both rooms are vacant');
});

test('after a restart of the broker the application is in step again', async () => {
  const stream = await new Subscriber(broker.url, 'channel=room/kept').opened();
  await until(() => occupied.has('room/kept'), 'it is occupied');
  stream.close();
  await broker.kill();
  await broker.restart();
  await until(() => !occupied.has('room/kept'), 'it is vacant, since all are');
  const again = await new Subscriber(broker.url, 'channel=room/new').opened();
  await until(() => occupied.has('room/new'), 'it hears of the new ones');
  again.close();
});
