// Sockets that a service manager made: used where they belong, refused with a reason where they do not, and left listening
// when the broker ends, so that a restart is a wait and not a refusal.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { request } from './harness/broker.js';
import { fanfare, kBackends, kBinary, run, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { freePort } from './harness/free_port.js';
import { RawConnection } from './harness/raw.js';
import { Subscriber } from './harness/subscriber.js';
import { until, within } from './harness/wait.js';

const folder = temporaryFolder();
const kManager = fileURLToPath(new URL('harness/socket_manager.py', import.meta.url));
let count = 0;
const socketPath = () => join(folder, `ingest-${count++}.sock`);
const settings = (set) => set.flatMap((one) => ['--set', one]);

function manage(t, sockets, set, { once = false } = {}) {
  const manager = start('python3', ['-B', kManager, ...(once ? ['--once'] : []), ...sockets, '--', kBinary, 'serve', ...settings(set)]);
  t.after(async () => {
    if (manager.running) manager.child.kill('SIGTERM');
    await manager.ended;
  });
  manager.line = (index) => until(() => manager.stdout.split('\n').length > index + 1 && Number(manager.stdout.split('\n')[index]),
    () => `line ${index} of the manager; ${manager.stderr}`, 20);
  return manager;
}

const kStream = 'GET /events?channel=news HTTP/1.1\r\nHost: x\r\n\r\n';
const publish = (path, data) => request('http://x/publish/news', { method: 'POST', body: data, socketPath: path });

test('systemd-socket-activate: the first client starts the broker, and is served', async (t) => {
  const [port, path] = [await freePort(), socketPath()];
  const activator = start('systemd-socket-activate', ['-l', `127.0.0.1:${port}`, '--fdname=http', kBinary, 'serve',
    ...settings(['listen.http=127.0.0.1:1', 'listen.admin=', `listen.ingest=${path}`, 'limits.drain=100ms'])]);
  t.after(() => activator.child.kill('SIGKILL'));
  await until(() => /Listening on/.test(activator.stderr), 'it listens');
  const raw = await RawConnection.open(port);
  t.after(() => raw.close());
  raw.send(kStream);
  await raw.until((text) => text.includes('200 OK'), 'it is served', 20);
  assert.equal((await publish(path, 'hello')).status, 200);
  await raw.until((text) => text.includes('data: hello\n'), 'the event arrives');
  assert.match(activator.stderr, new RegExp(`127\\.0\\.0\\.1:${port}: listening on the service manager's socket`));
  activator.child.kill('SIGTERM');
  assert.equal((await within(activator.ended, 'it ends', 10)).code, 0);
});

for (const backend of kBackends) {
  test(`over a restart nobody is refused: clients and publishers wait for the next broker (${backend})`, async (t) => {
    const path = socketPath();
    // Neither socket has a name; both are found by their addresses. More shards than sockets share them.
    const manager = manage(t, ['=tcp', `=unix:${path}`], ['listen.http=127.0.0.1:@0@', 'listen.admin=', `listen.ingest=${path}`,
      'server.shards=3', `server.backend=${backend}`, 'limits.drain=300ms', 'delivery.retry=100ms']);
    const port = await manager.line(0);
    const first = await manager.line(2);
    const subscribers = await Promise.all(Array.from({ length: 20 }, () => new Subscriber(`http://127.0.0.1:${port}`, ['news']).opened()));
    t.after(() => subscribers.forEach((subscriber) => subscriber.close()));
    assert.equal((await publish(path, 'before')).status, 200);
    await Promise.all(subscribers.map((subscriber) => subscriber.count(1)));

    process.kill(first, 'SIGTERM');
    // Until the next broker serves: each connection is made, and answered sooner or later.
    const newcomers = [];
    while (!(await Promise.race([manager.line(3), new Promise((resolve) => setTimeout(resolve, 20, 0))]))) {
      newcomers.push(await RawConnection.open(port));
      newcomers.at(-1).send('GET /position HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    }
    t.after(() => newcomers.forEach((raw) => raw.close()));
    assert.ok(newcomers.length > 5);
    for (const raw of newcomers) await raw.until((text) => /^HTTP\/1\.1 (200|503) /.test(text), 'it is answered', 20);
    assert.ok(existsSync(path), 'the socket file is the manager\'s');

    assert.equal((await until(async () => {
      const answer = await publish(path, 'after').catch(() => null);
      return answer?.status === 200 && answer;
    }, 'the next broker takes it')).status, 200);
    await until(() => subscribers.every((subscriber) => subscriber.data.includes('after')), 'every subscriber came back', 20);
    const errors = subscribers.flatMap(({ connections }) => connections.map(({ error }) => error));
    assert.ok(!errors.includes('ECONNREFUSED'), `${errors}`);
  });
}

test('named sockets stand in for their keys, over TLS and for publishers and pages, too', async (t) => {
  await fanfare(['cert', '--self-signed', join(folder, 'tls')]);
  const path = socketPath();
  const local = socketPath();
  writeFileSync(join(folder, 'tls.toml'), `[tls]\ncertificate = "${folder}/tls/certificate.pem"\nkey = "${folder}/tls/key.pem"\n`);
  const manager = start('python3', ['-B', kManager, 'http=tcp', 'https=tcp', 'admin=tcp', `ingest=unix:${path}`, `http=unix:${local}`, '--', kBinary, 'serve',
    '--config', join(folder, 'tls.toml'), ...settings(['listen.http=127.0.0.1:1', 'listen.https=127.0.0.1:2', 'listen.admin=127.0.0.1:3'])]);
  t.after(async () => { manager.child.kill('SIGTERM'); await manager.ended; });
  await until(() => /admin: http/.test(manager.stderr), () => `it serves; ${manager.stderr}`, 20);
  const [http, https, admin] = manager.stdout.split('\n').map(Number);
  assert.equal((await publish(path, 'hello')).status, 200);
  const curl = (url) => run('curl', ['-sk', '--max-time', '10', url]);
  assert.match((await curl(`http://127.0.0.1:${http}/events?channel=news&poll=1&replay=1`)).stdout, /data: hello/);
  assert.match((await request('http://x/events?channel=news&poll=1&replay=1', { socketPath: local })).body, /data: hello/);
  assert.match((await curl(`https://127.0.0.1:${https}/events?channel=news&poll=1&replay=1`)).stdout, /data: hello/);
  assert.equal((await curl(`http://127.0.0.1:${admin}/readyz`)).stdout.split('\n')[0].slice(0, 5), 'ready');
  // A reload sees that nothing changed: the addresses of broker.toml are those that it always had.
  process.kill(Number(manager.stdout.split('\n')[5]), 'SIGHUP');
  await until(() => /reload: nothing changed/.test(manager.stderr), 'the reload is over');
});

test('a socket that belongs nowhere: one sentence, and exit 78', async (t) => {
  const path = socketPath();
  const own = ['listen.http=127.0.0.1:0', 'listen.admin=', `listen.ingest=${path}`];
  const refused = async (socket, pattern, more = []) => {
    const manager = manage(t, [socket], [...own, ...more], { once: true });
    assert.equal((await within(manager.ended, 'it ends', 20)).code, 78, manager.stderr);
    assert.match(manager.stderr, pattern);
    assert.ok(!/subscribers: http/.test(manager.stderr), 'nothing was started');
  };
  await Promise.all([
    refused('=tcp', /socket \("fanfare\.socket"\) on 127\.0\.0\.1:\d+, which is no address in broker\.toml: make ListenStream=.*FileDescriptorName=/),
    refused('https=tcp', /socket named "https", on 127\.0\.0\.1:\d+, for which there is no use: give \[listen\] https an address/),
    refused('admin=tcp', /no use: give \[listen\] admin an address/),
    refused('http=udp', /descriptor 3 \("http"\).* is not a socket that listens for streams: its unit needs ListenStream= and Accept=no/),
    refused('http=connected', /is not a socket that listens/),
    refused(`admin=unix:${socketPath()}`, /socket for admin, .*, is a Unix socket/, ['listen.admin=127.0.0.1:0']),
    refused('ingest=tcp', /socket for ingest listens on 127\.0\.0\.1:\d+: it has to be a Unix socket/),
  ]);
});

test('variables that are meant for another process are not taken for its own', async (t) => {
  const path = socketPath();
  const broker = start(kBinary, ['serve', ...settings(['listen.http=127.0.0.1:0', 'listen.admin=', `listen.ingest=${path}`])],
    { env: { LISTEN_PID: '1', LISTEN_FDS: '1' } });
  t.after(() => broker.child.kill('SIGKILL'));
  await until(() => /publishers: /.test(broker.stderr), () => `it serves; ${broker.stderr}`);
});
