// Publishing over TLS with a certificate, by clients that are not ours; and certificates that are replaced while the broker runs,
// as certbot and Kubernetes replace them: nobody signals.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';

import { Broker } from './harness/broker.js';
import { fanfare, run, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { until } from './harness/wait.js';

const require = createRequire(import.meta.url);
const { createClient } = require('@redis/client');
const { Redis } = require('ioredis');

const folder = temporaryFolder();
const file = (name) => join(folder, name);
const text = (name) => readFileSync(file(name), 'utf8');
let broker;
let port;
let httpsPort;

async function openssl(...words) {
  const { code, stderr } = await run('openssl', words);
  assert.equal(code, 0, stderr);
}
const kKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const authority = (name) => openssl('req', '-x509', ...kKey, '-subj', `/CN=${name}`, '-days', '30',
  '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`));
const issue = (name, ca, names = []) => openssl('req', '-x509', ...kKey, '-subj', `/CN=${name}`, '-days', '30',
  '-CA', file(`${ca}.pem`), '-CAkey', file(`${ca}.key`), ...names.flatMap((one) => ['-addext', `subjectAltName=${one}`]),
  '-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`));

// A certificate of the broker's, in a folder of its own.
async function makeSite(name, ...hosts) {
  const { code, stderr } = await fanfare(['cert', '--self-signed', file(name), ...hosts.flatMap((host) => ['--name', host])]);
  assert.equal(code, 0, stderr);
}
// As a renewed secret is mounted: the link `current`, on the way to the files, leads elsewhere at one stroke.
function lead(to) {
  symlinkSync(to, file('next'));
  renameSync(file('next'), file('current'));
}

before(async () => {
  await Promise.all([authority('publishers'), authority('others')]);
  await Promise.all([issue('orders', 'publishers', ['DNS:orders.test']), issue('stock', 'publishers'),
    issue('stranger', 'others', ['DNS:orders.test']), makeSite('first', 'localhost', '127.0.0.1'),
    makeSite('second', 'localhost', '127.0.0.1', 'renewed.test'), makeSite('sni', '*.example.test')]);
  copyFileSync(file('publishers.pem'), file('ca.pem'));
  mkdirSync(file('sites'));
  for (const name of ['certificate.pem', 'key.pem']) copyFileSync(file(`sni/${name}`), file(`sites/${name}`));
  lead('first');
  writeFileSync(file('broker.toml'), `[listen]
https = ["127.0.0.1:0"]
[tls]
certificate = "${file('current/certificate.pem')}"
key = "${file('current/key.pem')}"
[[tls.sni]]
names = ["*.example.test"]
certificate = "${file('sites/certificate.pem')}"
key = "${file('sites/key.pem')}"
[publish]
listen_tls = ["127.0.0.1:0"]
client_ca = "${file('ca.pem')}"
[[publish.client]]
names = ["orders.test"]
channels = ["orders/**"]
`);
  broker = await Broker.start({ config: file('broker.toml'), set: ['server.shards=2'] });
  port = Number(/publishers, over TLS: 127\.0\.0\.1:(\d+)/.exec(broker.log)[1]);
  httpsPort = Number(/subscribers: https:\/\/127\.0\.0\.1:(\d+)/.exec(broker.log)[1]);
});
after(() => broker?.stop());

async function subscribed(context, channel) {
  const subscriber = await new Subscriber(broker.url, [channel]).opened();
  context.after(() => subscriber.close());
  return subscriber;
}
const ca = () => file('first/certificate.pem');
const shown = (name, site = 'first') => ({ cert: text(`${name}.pem`), key: text(`${name}.key`), ca: text(`${site}/certificate.pem`) });

test('redis-cli publishes with --tls and --cert, and is refused without a certificate or with another CA\'s', async (t) => {
  const seen = await subscribed(t, 'orders/cli');
  const cli = (name, ...words) => run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), '--tls', '--cacert', ca(),
    ...(name ? ['--cert', file(`${name}.pem`), '--key', file(`${name}.key`)] : []), ...words]);
  assert.equal((await cli('orders', 'PUBLISH', 'orders/cli', 'one')).stdout, '1\n');
  assert.match((await cli('orders', 'PUBLISH', 'other', 'no')).stdout, /^NOPERM /);
  assert.match((await cli('stock', 'PUBLISH', 'orders/cli', 'no')).stdout, /^NOAUTH no \[\[publish\.client\]\] names this certificate: /);
  for (const name of [undefined, 'stranger']) {
    assert.notEqual((await cli(name, 'PUBLISH', 'orders/cli', 'no')).stdout, '1\n');
  }
  await seen.count(1);
  assert.deepEqual(seen.data, ['one']);
  await until(async () => await broker.metric('tls_certificates_refused_total') >= 2, 'both are counted');
  await until(() => /was refused: no \[\[publish\.client\]\] has a name of its certificate, stock \(CN = stock\)/.test(broker.log),
    'the log names what no entry has');
  assert.match(broker.log, /a TLS connection from 127\.0\.0\.1:\d+ failed: the client showed no certificate, and has to/);
});

test('redis-py publishes with ssl=True and a certificate', async (t) => {
  const seen = await subscribed(t, 'orders/py');
  const { code, stderr } = await run('/usr/bin/python3', ['-c', `
import redis
client = redis.Redis(host='127.0.0.1', port=${port}, ssl=True, ssl_ca_certs='${ca()}', ssl_certfile='${file('orders.pem')}', ssl_keyfile='${file('orders.key')}')
assert client.publish('orders/py', 'one') == 1
with client.pipeline(transaction=True) as pipe:
    assert pipe.publish('orders/py', 'two').publish('orders/py', 'three').execute() == [1, 1]
try:
    client.publish('other', 'no')
    raise SystemExit('taken')
except redis.exceptions.NoPermissionError:
    pass
`]);
  assert.equal(code, 0, stderr);
  await seen.count(3);
  assert.deepEqual(seen.data, ['one', 'two', 'three']);
});

test('node-redis and ioredis publish with a certificate', async (t) => {
  const seen = await subscribed(t, 'orders/node');
  const client = createClient({ socket: { host: '127.0.0.1', port, tls: true, ...shown('orders') } });
  client.on('error', (error) => assert.fail(error));
  await client.connect();
  t.after(() => client.destroy());
  assert.equal(await client.publish('orders/node', 'one'), 1);
  await assert.rejects(client.publish('other', 'no'), /NOPERM/);
  const io = new Redis({ host: '127.0.0.1', port, tls: shown('orders'), retryStrategy: null });
  t.after(() => io.disconnect());
  assert.equal(await io.publish('orders/node', 'two'), 1);
  await seen.count(2);
});

test('curl publishes with --cert, over either version of TLS; HTTP/2 is not spoken there', async (t) => {
  const seen = await subscribed(t, 'orders/curl');
  const curl = (...words) => run('curl', ['-sS', '-w', ' %{http_code} %{http_version}', '--cacert', ca(),
    '--cert', file('orders.pem'), '--key', file('orders.key'), ...words]);
  for (const version of ['1.2', '1.3']) {
    const { stdout, stderr } = await curl('--http2', `--tlsv${version}`, '--tls-max', version, '-d', version, `https://localhost:${port}/publish/orders/curl`);
    assert.match(stdout, /^\{"id":"[^]* 200 1\.1$/, stderr);
  }
  assert.match((await curl('-d', 'no', `https://localhost:${port}/publish/other`)).stdout, / 403 1\.1$/);
  await seen.count(2);
  assert.deepEqual(seen.data, ['1.2', '1.3']);
});

test('openssl s_client publishes lines of JSON', async (t) => {
  const seen = await subscribed(t, 'orders/lines');
  const client = start('openssl', ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`, '-CAfile', ca(),
    '-cert', file('orders.pem'), '-key', file('orders.key')], { stdin: 'pipe' });
  t.after(() => client.child.kill('SIGKILL'));
  client.child.stdin.write('{"channel":"orders/lines","data":"one"}\n');
  await until(() => /"ok":true/.test(client.stdout), () => `an answer: ${client.stderr}`);
  await seen.count(1);
  assert.deepEqual(seen.data, ['one']);
});

const certificateOf = (servername) => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: '127.0.0.1', port: httpsPort, servername, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().subjectaltname);
    socket.destroy();
  });
  socket.on('error', reject);
});

test('files of certificates that change are read without a signal, and nobody is disconnected', async (t) => {
  let streamed = '';
  const stream = https.get({ host: '127.0.0.1', port: httpsPort, path: '/events?channel=orders/live', agent: false, rejectUnauthorized: false },
    (answer) => answer.setEncoding('utf8').on('data', (more) => { streamed += more; }));
  t.after(() => stream.destroy());
  const publisher = new Redis({ host: '127.0.0.1', port, tls: shown('orders'), retryStrategy: null });
  t.after(() => publisher.disconnect());
  await until(() => streamed.includes('retry: '), 'the stream opens');
  assert.equal(await publisher.publish('orders/live', 'before'), 1);

  lead('second');
  await until(async () => /renewed/.test(await certificateOf('localhost')), 'the new certificate is shown');
  assert.match(broker.log, /files of certificates have changed, and are read again\n[^]*certificates: localhost, 127\.0\.0\.1, renewed\.test until /);

  // A pair that does not fit: the one that was, stays.
  let from = broker.log.length;
  copyFileSync(file('first/key.pem'), file('sites/key.pem'));
  await until(() => /reload: the certificates stay those that they were/.test(broker.log.slice(from)), 'the log says so');
  assert.match(broker.log.slice(from), /\[\[tls\.sni\]\] .*the key does not belong to the certificate/);
  assert.equal(await certificateOf('a.example.test'), 'DNS:*.example.test');
  // Its other half comes: the pair fits.
  copyFileSync(file('first/certificate.pem'), file('sites/certificate.pem'));
  await until(async () => /DNS:localhost/.test(await certificateOf('a.example.test')), 'it is read again when it has changed');

  // Another authority of publishers.
  from = broker.log.length;
  copyFileSync(file('others.pem'), file('ca.pem'));
  await until(() => /publishers' of CN = others/.test(broker.log.slice(from)), 'the new one is read');
  // The shard takes it over a little later than the log says so.
  const next = new Redis({ host: '127.0.0.1', port, tls: shown('stranger', 'second'), retryStrategy: () => 50, maxRetriesPerRequest: null });
  next.on('error', () => {});
  t.after(() => next.disconnect());
  assert.equal(await next.publish('orders/live', 'next'), 1);
  assert.equal(await publisher.publish('orders/live', 'after'), 1);
  await until(() => streamed.includes('data: after\n'), 'the stream goes on');
});

test('fanfare check says who may publish over TLS, and that somebody has to be able to', async () => {
  const good = await fanfare(['check', '--config', file('broker.toml')]);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /bearers of a certificate for orders\.test: orders\/\*\*/);
  assert.match(good.stdout, /certificates: .*; publishers' of CN = others/);
  const bare = await fanfare(['check', '--set', 'publish.listen_tls=127.0.0.1:7643']);
  assert.equal(bare.code, 78);
  assert.match(bare.stderr, /publishing over TCP needs a token or a certificate/);
});
