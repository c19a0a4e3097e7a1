// Subscribers on a Unix socket, as a front on the same machine connects: with each front of deploy/proxy, with curl, and
// what becomes of the socket's file.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { fanfare, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { freePort } from './harness/free_port.js';
import { Front, kFronts } from './harness/front.js';
import { H2Client } from './harness/h2_client.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const socket = join(folder, 'http.sock');
const accessLog = join(folder, 'access.log');
let broker;

before(async () => {
  chmodSync(folder, 0o711); // nginx, when root starts it, connects as another user
  broker = await Broker.start({
    set: ['server.shards=2', `listen.http=127.0.0.1:0,unix:${socket}`, 'listen.http_mode=0666', 'delivery.heartbeat=1s', 'fronts.trusted=unix:',
      'fronts.proxy_protocol=accept', `access.log=${accessLog}`],
  });
});
after(() => broker?.stop());

const clientOf = (channel) => until(() => readFileSync(accessLog, 'utf8').split('\n').filter(Boolean)
  .map((line) => JSON.parse(line)).find(({ channels }) => channels?.includes(channel))?.client, 'its line in the access log');
const perShard = async () => {
  const metrics = await broker.metrics();
  return [0, 1].map((shard) => metrics[`fanfare_shard_subscribers{shard="${shard}"}`]);
};

describe('fronts', { concurrency: true }, () => {
  for (const [index, [name, { run }]] of Object.entries(kFronts).filter(([, one]) => one.run.length === 1).entries()) {
    it(`${name} passes an event on, and says whose the stream is`, async (t) => {
      const front = await Front.start(socket, { run });
      const address = `127.0.2.${index + 1}`;
      const client = new H2Client(front.url, address);
      t.after(async () => {
        client.close();
        await front.stop();
      });
      const stream = client.ask(`/events?channel=${name}`, { 'x-forwarded-for': '192.0.2.1' });
      await until(() => stream.text.includes('retry: '), () => `the stream opens: ${stream.status} ${stream.text}`);
      await broker.publish(name, 'hello');
      await until(() => stream.data.length === 1, 'the event comes');
      stream.leave();
      assert.equal(await clientOf(name), address);
    });
  }
});

test('curl subscribes there, over HTTP/1.1 and HTTP/2, and has no address', async () => {
  assert.match(broker.log, new RegExp(`subscribers: unix:${socket}$`, 'm'));
  for (const version of ['--http1.1', '--http2-prior-knowledge']) {
    const curl = start('curl', ['-sSN', version, '--unix-socket', socket, `http://x/events?channel=curl${version}`]);
    await until(() => curl.stdout.includes('retry: '), () => `the stream opens: ${curl.stderr}`);
    await broker.publish(`curl${version}`, 'hello');
    await until(() => curl.stdout.includes('data: hello'), 'the event comes');
    await broker.finish(`curl${version}`);
    assert.equal((await curl.ended).code, 0, curl.stderr);
    assert.equal(await clientOf(`curl${version}`), 'unix:');
  }
});

test('HAProxy names a client there by the PROXY protocol', async (t) => {
  const port = await freePort();
  writeFileSync(join(folder, 'haproxy.cfg'), `
listen browsers
  mode tcp
  bind 127.0.0.1:${port}
  timeout connect 5s
  timeout client 1m
  timeout server 1m
  server fanfare unix@${socket} send-proxy-v2
`);
  const haproxy = start('haproxy', ['-db', '-q', '-f', join(folder, 'haproxy.cfg')],
    { env: { PATH: `${process.env.PATH}:/usr/sbin` } });
  t.after(() => haproxy.child.kill('SIGTERM'));
  await until(async () => (await request(`http://127.0.0.1:${port}/position`)).status === 200, 'HAProxy passes requests on');
  const curl = start('curl', ['-sSN', '--interface', '127.0.2.99', `http://127.0.0.1:${port}/events?channel=named`]);
  await until(() => curl.stdout.includes('retry: '), () => `the stream opens: ${curl.stderr}`);
  curl.child.kill('SIGTERM');
  assert.equal(await clientOf('named'), '127.0.2.99');
});

test('every shard gets some of its connections', async () => {
  const streams = Array.from({ length: 40 }, () => start('curl', ['-sSN', '--unix-socket', socket, 'http://x/events?channel=many']));
  await until(async () => {
    const [first, second] = await perShard();
    return first + second === 40 && first >= 4 && second >= 4;
  }, async () => `${await perShard()} streams of the shards`, 20);
  for (const one of streams) one.child.kill('SIGTERM');
  await until(async () => (await perShard()).every((count) => count === 0), 'all of them have left');
});

test('its file has the mode that is asked for, outlives no broker, and is taken from none that runs', async () => {
  const path = join(folder, 'own.sock');
  const own = (more) => Broker.start({ set: ['server.shards=2', `listen.http=127.0.0.1:0,unix:${path}`, ...more] });
  const mode = () => (statSync(path).mode & 0o777).toString(8);
  const first = await own([]);
  assert.equal(mode(), '660');
  assert.match(first.log, /\[fronts\] trusted does not have "unix:"/);
  const second = await fanfare(['serve', '--set', `listen.http=unix:${path}`, '--set', 'listen.admin=',
    '--set', `listen.ingest=${path}.ingest`]);
  assert.equal(second.code, 1, second.stderr);
  assert.match(second.stderr, /own\.sock: address already in use: another broker listens there/);

  await first.kill();
  assert.ok(existsSync(path), 'a broker that is killed leaves it');
  const third = await own(['listen.http_mode=0600', 'limits.drain=500ms']);
  assert.equal(mode(), '600');
  // What a stranger says of itself is not believed here.
  const { status } = await request('http://x/position', { socketPath: path });
  assert.equal(status, 200);
  const stream = start('curl', ['-sSN', '--unix-socket', path, 'http://x/events?channel=last']);
  await until(() => stream.stdout.includes('retry: '), 'the stream opens');
  assert.equal(await third.stop(), 0);
  assert.notEqual((await stream.ended).code, 0, 'it is told to come back');
  assert.equal([...stream.stdout.matchAll(/^retry: /gm)].length, 2);
  assert.ok(!existsSync(path), 'a broker that stops takes it away');
  assert.doesNotMatch(third.log, /accept: /);
});

test('fanfare check says what is wrong with such an entry', async () => {
  const problem = async (key, value) => (await fanfare(['check', '--set', `${key}=${value}`])).stderr;
  assert.match(await problem('listen.http', '/run/x.sock'), /for a Unix socket there write "unix:\/run\/x\.sock"/);
  assert.match(await problem('listen.http', 'unix:x.sock'), /write "unix:\/run\/fanfare\/x\.sock"/);
  assert.match(await problem('listen.https', 'unix:/run/x.sock'), /Unix sockets are possible in listen\.http/);
  const good = await fanfare(['check', '--set', 'listen.http=unix:/run/x.sock', '--set', 'fronts.trusted=unix:']);
  assert.equal(good.code, 0, good.stderr);
});
