// What an operator meets: starting where something is in the way, stopping, changing the
// configuration, a machine that forbids io_uring.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Broker, request } from './harness/broker.js';
import { fanfare, kBackends, kBinary, kWithoutUring, run, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { RawConnection } from './harness/raw.js';
import { Subscriber } from './harness/subscriber.js';
import { until, within } from './harness/wait.js';

const folder = temporaryFolder();
chmodSync(folder, 0o755); // other users run brokers in there
let sockets = 0;

// `fanfare serve` on free ports and a socket of its own, to its end: for starts that fail.
function serve(set = [], options = {}) {
  const own = ['listen.http=127.0.0.1:0', 'listen.admin=127.0.0.1:0',
    `listen.ingest=${join(folder, `ingest-${sockets++}.sock`)}`];
  return fanfare(['serve', ...[...own, ...set].flatMap((one) => ['--set', one])], options);
}

// One clear sentence, and nothing half-started.
function assertRefused({ code, stderr }, expected, ...patterns) {
  assert.equal(code, expected, stderr);
  for (const pattern of patterns) assert.match(stderr, pattern);
  assert.ok(!/subscribers: http/.test(stderr), 'nothing was started');
}

test('bad configuration: every problem at once, exit 78', async () => {
  const file = join(folder, 'bad.toml');
  writeFileSync(file, '[listen]\nhttp = "127.0.0.1:8080"\n[delivery]\nhearbeat = "5s"\n[limits]\nconnections = "many"\n');
  const { code, stderr } = await fanfare(['serve', '--config', file]);
  assertRefused({ code, stderr }, 78, /bad\.toml:2:/, /bad\.toml:4:.*heartbeat/, /bad\.toml:6:/, /3 problems/);
});

test('a missing configuration file: exit 78, and its name', async () => {
  assertRefused(await fanfare(['serve', '--config', join(folder, 'none.toml')]), 78, /none\.toml/);
});

test('without an admin listener the broker publishes nothing for it', async (t) => {
  const socket = join(folder, `ingest-${sockets++}.sock`);
  const set = ['listen.http=127.0.0.1:0', 'listen.admin=', `listen.ingest=${socket}`];
  const running = start(kBinary, ['serve', ...set.flatMap((one) => ['--set', one])]);
  t.after(() => running.child.kill('SIGKILL'));
  await until(() => existsSync(socket), 'the broker listens', 20);
  const info = await until(async () => {
    const { stdout } = await run('redis-cli', ['-s', socket, 'INFO']);
    return Number(/uptime_seconds:(\d+)/.exec(stdout)?.[1]) >= 2 && stdout;
  }, 'two seconds have passed', 20);
  assert.match(info, /^head:0/m);
});

test('wrong arguments: exit 2', async () => {
  assert.equal((await fanfare(['serve', '--prot', '80'])).code, 2);
});

test('a port in use: exit 1, and its address', async (t) => {
  const other = createServer();
  await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address();
  const refused = await serve([`listen.http=127.0.0.1:${port}`]);
  assertRefused(refused, 1, new RegExp(`${port}`), /in use/);
  // It does not wait in silence.
  assert.match(refused.stderr, new RegExp(`127\\.0\\.0\\.1:${port} is in use: waiting up to 2s for it`));
  assertRefused(await serve([`listen.admin=127.0.0.1:${port}`]), 1, new RegExp(`${port}`), /in use/);
});

test('an address of another machine: one sentence', async () => {
  assertRefused(await serve(['listen.http=192.0.2.1:8080']), 78, /192\.0\.2\.1/, /no interface of this machine/);
});

test('a missing directory for the socket: named, with what to do', async () => {
  const result = await serve([`listen.ingest=${join(folder, 'no', 'such', 'ingest.sock')}`]);
  assertRefused(result, 78, /no\/such/, /create it/);
});

test('a directory that may not be written to: named, with what to do', async (t) => {
  // The tests may run as root, whom permissions do not stop: then the broker runs as nobody.
  const locked = join(folder, 'locked');
  mkdirSync(locked, { mode: 0o755 });
  chmodSync(locked, 0o555);
  const set = ['listen.http=127.0.0.1:0', 'listen.admin=127.0.0.1:0', `listen.ingest=${join(locked, 'ingest.sock')}`];
  const serveArguments = ['serve', ...set.flatMap((one) => ['--set', one])];
  const result = process.getuid() === 0
    ? await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', kBinary, ...serveArguments])
    : await fanfare(serveArguments);
  assertRefused(result, 78, /locked/, /user \d+ may not create files in/);
});

test('a file that is not a socket, at the path of the socket, is left alone', async () => {
  const path = join(folder, 'precious.txt');
  writeFileSync(path, 'precious');
  assertRefused(await serve([`listen.ingest=${path}`]), 78, /precious\.txt/, /not a socket/);
  assert.equal(statSync(path).size, 8);
});

test('a live socket is not stolen', async (t) => {
  const broker = await Broker.start();
  t.after(() => broker.stop());
  const result = await serve([`listen.ingest=${broker.socket}`]);
  assert.equal(result.code, 1, result.stderr);
  assert.match(result.stderr, /ingest\.sock/);
  assert.ok(await broker.publish('still', 'alive'));
});

test('a stale socket is replaced, and a stopped broker leaves none behind', async (t) => {
  const broker = await Broker.start();
  t.after(() => broker.stop());
  await broker.kill();
  assert.ok(existsSync(broker.socket), 'SIGKILL leaves the socket file');
  await broker.begin();
  assert.ok(await broker.publish('still', 'alive'));
  assert.equal(await broker.stop(), 0);
  assert.ok(!existsSync(broker.socket));
});

test('an ordinary user needs no configuration: serve and publish find each other', async (t) => {
  const runtime = join(folder, 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  const asUser = process.getuid() === 0
    ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', kBinary] : [kBinary];
  if (process.getuid() === 0) chownSync(runtime, 65534, 65534);
  const env = { XDG_RUNTIME_DIR: runtime };
  const ports = ['--set', 'listen.http=127.0.0.1:0', '--set', 'listen.admin=127.0.0.1:0'];
  const serving = start(asUser[0], [...asUser.slice(1), 'serve', ...ports], { env });
  t.after(() => serving.child.kill('SIGKILL'));
  await until(() => /admin: http/.test(serving.stderr), 'it serves');
  assert.equal(statSync(join(runtime, 'fanfare')).mode & 0o777, 0o700);
  const published = await run(asUser[0], [...asUser.slice(1), 'publish', 'news', 'hello'], { env });
  assert.equal(published.code, 0, published.stderr);
  assert.match(published.stdout, /^[0-9a-z]{7}-\d+\n$/);
  serving.child.kill('SIGTERM');
  assert.equal((await within(serving.ended, 'it ends', 10)).code, 0);
});

test('the socket has the mode it was given', async (t) => {
  const broker = await Broker.start({ set: ['listen.ingest_mode=0600'] });
  t.after(() => broker.stop());
  assert.equal(statSync(broker.socket).mode & 0o777, 0o600);
});

test('start-up says where it listens, what carries it, and how many connections it can hold', async (t) => {
  const broker = await Broker.start();
  t.after(() => broker.stop());
  assert.match(broker.log, /subscribers: http:\/\/127\.0\.0\.1:\d+\/events/);
  assert.match(broker.log, /publishers: .*ingest\.sock/);
  assert.match(broker.log, /admin: http:\/\/127\.0\.0\.1:\d+\//);
  assert.match(broker.log, kBackends.includes('io_uring') ? /io_uring|epoll/ : /epoll \(/);
  assert.match(broker.log, /\d[\d,]* connections/);
  assert.match(broker.log, /epoch [0-9a-z]{7}/);
});

test('the service manager is notified', async (t) => {
  const told = join(folder, 'told');
  const path = join(folder, 'notify.sock');
  const manager = start('socat', ['-u', `UNIX-RECVFROM:${path},fork`, `OPEN:${told},creat,append`]);
  t.after(() => manager.child.kill());
  await until(() => existsSync(path), 'the manager listens');
  const broker = await Broker.start({ env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '500000' } });
  t.after(() => broker.stop());
  const said = async (text) => until(async () => existsSync(told) && (await run('cat', [told])).stdout.includes(text), `the manager hears ${text}`);
  await said('READY=1\nSTATUS=serving http');
  await said(`${broker.url}, `);
  await said(`, publishers on ${broker.socket}`);
  await said('WATCHDOG=1');
  broker.signal('SIGHUP');
  await said('RELOADING=1');
  assert.equal(await broker.stop(), 0);
  await said('STOPPING=1');
  await said('EXTEND_TIMEOUT_USEC=13000000'); // [limits] drain, and 8 s
});

test('a broker of which a shard hangs is no longer reported as alive', async (t) => {
  const told = join(folder, 'watched');
  const path = join(folder, 'watch.sock');
  const manager = start('socat', ['-u', `UNIX-RECVFROM:${path},fork`, `OPEN:${told},creat,append`]);
  t.after(() => manager.child.kill());
  await until(() => existsSync(path), 'the manager listens');
  const heard = () => (existsSync(told) ? readFileSync(told, 'utf8').split('WATCHDOG=1').length - 1 : 0);
  const hang = fileURLToPath(new URL('harness/hang.py', import.meta.url));
  const set = ['listen.http=127.0.0.1:0', 'listen.admin=', `listen.ingest=${join(folder, 'hang.sock')}`];
  // A shard turns at least once a second: it is patient for two.
  const broker = start('python3', ['-B', hang, kBinary, 'serve', ...set.flatMap((one) => ['--set', one])],
    { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '4000000' } });
  t.after(() => broker.child.kill());
  await until(() => heard() >= 2, 'all is well', 20);
  broker.child.kill('SIGUSR1');
  await until(() => /hanging/.test(broker.stderr), 'its shards hang');
  const before = heard();
  await until(() => /error a shard has hung for \d+s/.test(broker.stderr), 'it notices', 20);
  assert.ok(heard() <= before + 1);
});

test('SIGTERM: subscribers are disconnected uncleanly with a jittered retry, exit 0', async (t) => {
  const broker = await Broker.start({ set: ['limits.drain=1s', 'delivery.retry=2s', 'server.shards=2'] });
  const subscribers = await Promise.all(Array.from({ length: 40 }, (_, i) =>
    new Subscriber(broker.url, ['drain'], { reconnect: false }).opened()));
  t.after(() => subscribers.forEach((subscriber) => subscriber.close()));
  await broker.publish('drain', 'before');
  await Promise.all(subscribers.map((subscriber) => subscriber.count(1)));
  const begun = performance.now();
  broker.signal('SIGTERM');
  const { code } = await within(broker.process.ended, 'the broker ends', 10);
  assert.equal(code, 0);
  assert.ok(performance.now() - begun < 6000, 'in about the drain time');
  await until(() => subscribers.every(({ connections }) => connections[0].clean !== null), 'all streams ended');
  for (const subscriber of subscribers) {
    assert.equal(subscriber.connections[0].clean, false, 'an unclean end: come back');
    assert.deepEqual(subscriber.data, ['before']);
  }
  const retries = subscribers.map((subscriber) => subscriber.retries.at(-1));
  assert.ok(retries.every((ms) => ms >= 2000 && ms <= 4000), `${retries}`);
  assert.ok(new Set(retries).size > 10, 'jittered');
});

const kStopping = 'the broker is stopping; publish again when it is back';
const readyz = (broker) => request(`${broker.adminUrl}/readyz`);

// A stream that is read to its end, however it ends: what came, and how.
async function readToTheEnd(port, version, query = 'channel=drain') {
  const raw = await RawConnection.open(port);
  raw.send(`GET /events?${query} HTTP/${version}\r\nHost: x\r\n\r\n`);
  await raw.until((text) => text.includes('\n:\n') || text.includes('retry: '), 'the stream opens');
  return raw;
}

for (const backend of kBackends) {
  test(`while draining no client hangs: new ones are told to come back, publishers are refused with a sentence (${backend})`, async (t) => {
    const broker = await Broker.start({ set: ['limits.drain=10s', 'server.shards=3', `server.backend=${backend}`] });
    t.after(() => broker.stop());
    const subscribers = await Promise.all(Array.from({ length: 24 }, () =>
      new Subscriber(broker.url, ['drain'], { reconnect: false }).opened()));
    t.after(() => subscribers.forEach((subscriber) => subscriber.close()));
    const publisher = await RawConnection.open(broker.socket);
    t.after(() => publisher.close());
    publisher.send('PING\r\n');
    await publisher.until((text) => text === '+PONG\r\n', 'it is served');
    const onlooker = await RawConnection.open(broker.adminPort); // idle when the signal comes
    t.after(() => onlooker.close());

    broker.signal('SIGTERM');
    await until(() => /draining: telling 24 subscribers to come back/.test(broker.log), 'it says that it drains');
    publisher.send('PUBLISH drain 1\r\n'.repeat(100));
    await publisher.until((text) => text === `+PONG\r\n${`-UNAVAILABLE ${kStopping}\r\n`.repeat(100)}`, 'all are answered');
    const byHttp = await request('http://x/publish/drain', { method: 'POST', body: 'x', socketPath: broker.socket });
    assert.deepEqual([byHttp.status, JSON.parse(byHttp.body).error], [503, kStopping]);
    const lines = await RawConnection.open(broker.socket);
    t.after(() => lines.close());
    lines.send('{"channel":"drain","data":"1"}\n');
    await lines.until((text) => text.endsWith('\n') && JSON.parse(text).error === kStopping, 'a line is refused');

    const ready = await readyz(broker);
    assert.equal(ready.status, 503);
    assert.match(ready.body, /^draining: .*\d+ subscribers/);
    assert.equal((await request(`${broker.adminUrl}/healthz`)).status, 200);
    assert.equal((await request(`${broker.adminUrl}/metrics`)).status, 200);
    onlooker.send('GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await onlooker.until((text) => text.startsWith('HTTP/1.1 503 '), 'the idle connection is answered');

    // From here to the end of the broker: told to come back, or refused. Nothing hangs, nothing is cut off unanswered.
    const outcomes = new Set();
    while (broker.process.running) {
      const newcomer = await RawConnection.open(broker.httpPort).catch((error) => error);
      if (newcomer instanceof Error) {
        outcomes.add(newcomer.code);
      } else {
        newcomer.send('GET /events?channel=drain HTTP/1.1\r\nHost: x\r\n\r\n');
        const text = await newcomer.untilClosed(5);
        newcomer.close();
        outcomes.add(/^HTTP\/1\.1 200 .*\r\n\r\n[0-9a-f]+\r\nretry: \d+\n(id: \S+\n)?(:\n)?\r\n$/s.test(text) ? 'come back' : JSON.stringify(text));
      }
    }
    outcomes.delete('ECONNREFUSED');
    assert.deepEqual([...outcomes], ['come back']);
    assert.equal((await broker.process.ended).code, 0);
    assert.match(broker.log, /no subscribers are left; closing the listeners/);
  });

  test(`over HTTP/1.0 every byte comes before the reset that says "come back" (${backend})`, async (t) => {
    const broker = await Broker.start({ set: ['limits.drain=1s', 'server.shards=2', `server.backend=${backend}`] });
    t.after(() => broker.stop());
    const plain = await Promise.all(Array.from({ length: 20 }, () => readToTheEnd(broker.httpPort, '1.0')));
    const raw = await RawConnection.open(broker.httpPort);
    raw.send('GET /events?channel=drain&format=raw HTTP/1.0\r\n\r\n');
    await raw.until((text) => text.endsWith('\r\n\r\n'), 'the stream opens');
    const over = await readToTheEnd(broker.httpPort, '1.0', 'channel=over');
    t.after(() => [...plain, raw, over].forEach((connection) => connection.close()));
    const data = 'x'.repeat(5000);
    for (let i = 0; i < 10; ++i) await broker.publish('drain', data);
    await broker.publish('over', 'last');
    await broker.finish('over');
    await over.untilClosed();
    assert.equal(over.reset, false, 'complete: a FIN');
    broker.signal('SIGTERM');
    for (const stream of [...plain, raw]) {
      const text = await stream.untilClosed(10);
      assert.equal(stream.reset, true);
      assert.equal(text.split(data).length, 11, 'ten events');
      if (stream !== raw) assert.match(text, /\n\nretry: \d+\n$/);
    }
    assert.match(broker.log, /HTTP\/1\.0.*proxy_http_version 1\.1/);
  });
}

for (const [connections, shards] of [[1, 1], [1, 4], [100, 1], [100, 2], [100, 4]]) {
  test(`[limits] connections = ${connections} on ${shards} shards is ${connections} streams, and /readyz says when that is all`, async (t) => {
    const broker = await Broker.start({ set: [`limits.connections=${connections}`, `server.shards=${shards}`] });
    const subscribers = Array.from({ length: connections + 10 }, () => new Subscriber(broker.url, ['full'], { reconnect: false }));
    t.after(async () => { subscribers.forEach((subscriber) => subscriber.close()); await broker.stop(); });
    const ended = () => subscribers.filter(({ connections: [one] }) => one.clean !== null);
    await until(() => ended().length === 10, 'ten are told to come back', 20);
    assert.ok(ended().every(({ connections: [one] }) => one.status === 200 && !one.clean));
    const open = await until(() => {
      const those = subscribers.filter((subscriber) => subscriber.open);
      return those.length === connections && those;
    }, 'all others are open');
    const full = await readyz(broker);
    assert.equal(full.status, 503);
    assert.match(full.body, new RegExp(`^full: ${connections} event streams? open, `));
    assert.equal((await request(`${broker.adminUrl}/healthz`)).status, 200);
    open[0].close();
    await until(async () => (await readyz(broker)).status === 200, 'there is room again');
    const next = await new Subscriber(broker.url, ['full'], { reconnect: false }).opened();
    assert.equal((await readyz(broker)).status, 503);
    next.close();
  });
}

test('a second SIGTERM ends at once', async (t) => {
  const broker = await Broker.start({ set: ['limits.drain=1min'] });
  const subscribers = await Promise.all(Array.from({ length: 20 }, () =>
    new Subscriber(broker.url, ['drain'], { reconnect: false }).opened()));
  t.after(() => subscribers.forEach((subscriber) => subscriber.close()));
  broker.signal('SIGTERM');
  await until(() => /stopping: /.test(broker.log), 'it says that it stops');
  assert.ok(broker.process.running);
  broker.signal('SIGTERM');
  const { code } = await within(broker.process.ended, 'it ends at once', 5);
  assert.equal(code, 0);
});

test('SIGINT does the same as SIGTERM', async () => {
  const broker = await Broker.start();
  broker.signal('SIGINT');
  assert.equal((await within(broker.process.ended, 'it ends', 10)).code, 0);
});

test('SIGHUP applies what may change, names what needs a restart, and rejects what is wrong', async (t) => {
  const config = join(folder, 'reload.toml');
  writeFileSync(config, '[delivery]\nretry = "2s"\n');
  const broker = await Broker.start({ config });
  t.after(() => broker.stop());
  const old = await new Subscriber(broker.url, ['reload'], { reconnect: false }).opened();
  t.after(() => old.close());
  await until(() => old.retries.length > 0, 'a retry is told');
  assert.ok(old.retries[0] >= 2000 && old.retries[0] <= 3000);

  writeFileSync(config, '[delivery]\nretry = "7s"\n[server]\nshards = 3\n');
  broker.signal('SIGHUP');
  await until(() => /delivery\.retry: "2s" -> "7s"/.test(broker.log), 'the log says what changed');
  assert.match(broker.log, /server\.shards.*at the next start/);
  await until(async () => {
    const young = await new Subscriber(broker.url, ['reload'], { reconnect: false }).opened();
    await until(() => young.retries.length > 0, 'a retry is told');
    young.close();
    return young.retries[0] >= 7000;
  }, 'new subscribers are told the new retry');

  writeFileSync(config, '[delivery]\nretry = 7\n');
  broker.signal('SIGHUP');
  await until(() => /nothing was changed/.test(broker.log), 'the log says that nothing was taken over');
  assert.match(broker.log, /reload\.toml:2:/);
  await broker.publish('reload', 'still here');
  await old.count(1);
  assert.equal(old.connections.length, 1, 'nobody was disturbed');
});

test('health and readiness follow the life of the broker', async (t) => {
  const broker = await Broker.start({ set: ['limits.drain=5s'] });
  const subscribers = await Promise.all(Array.from({ length: 5 }, () => new Subscriber(broker.url, ['a'], { reconnect: false }).opened()));
  t.after(async () => { subscribers.forEach((subscriber) => subscriber.close()); await broker.stop(); });
  const health = () => request(`${broker.adminUrl}/healthz`);
  assert.equal((await health()).status, 200);
  assert.equal((await readyz(broker)).status, 200);
  broker.signal('SIGTERM');
  await until(() => /draining:/.test(broker.log), 'it drains');
  assert.equal((await readyz(broker)).status, 503);
  assert.equal((await health()).status, 200, 'it runs until it has ended');
  await within(broker.process.ended, 'it ends', 15);
  await assert.rejects(health(), { code: 'ECONNREFUSED' });
});

test('a machine that forbids io_uring gets epoll, and the log says so', async (t) => {
  const broker = await Broker.start({ wrapper: kWithoutUring });
  t.after(() => broker.stop());
  assert.match(broker.log, /epoll/);
  assert.match(broker.log, /io_uring/, 'with the reason');
  const seen = await new Subscriber(broker.url, ['epoll'], { reconnect: false }).opened();
  t.after(() => seen.close());
  for (let i = 0; i < 100; ++i) await broker.publish('epoll', `${i}`);
  await seen.count(100);
  assert.deepEqual(seen.data, Array.from({ length: 100 }, (_, i) => `${i}`));
  assert.match((await request(`${broker.adminUrl}/metrics`)).body, /fanfare_info\{[^}]*backend="epoll"/);
});

test('a machine that forbids io_uring cannot be made to use it: exit 78, with what is missing', async () => {
  const set = ['server.backend=io_uring', 'listen.http=127.0.0.1:0', 'listen.admin=127.0.0.1:0', `listen.ingest=${join(folder, 'forced.sock')}`];
  const result = await run(kWithoutUring, [kBinary, 'serve', ...set.flatMap((one) => ['--set', one])]);
  assertRefused(result, 78, /io_uring/, /seccomp|forbid|Operation not permitted/i);
  assert.ok(!existsSync(join(folder, 'forced.sock')));
});

test('fanfare check says which of the two it would be', async () => {
  const result = await run(kWithoutUring, [kBinary, 'check']);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /epoll/);
});
