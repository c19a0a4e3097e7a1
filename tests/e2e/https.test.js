// Subscribers over TLS, with clients that are not ours: curl, Node's https. The certificates are those of `fanfare cert`.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';

import { Broker } from './harness/broker.js';
import { fanfare, run, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const file = (name) => join(folder, name);
let broker;
let port;

// Its certificate and key, where the broker reads them.
async function install(name, hosts) {
  const made = await fanfare(['cert', '--self-signed', file(name), ...hosts.flatMap((host) => ['--name', host])]);
  assert.equal(made.code, 0, made.stderr);
  copyFileSync(file(`${name}/certificate.pem`), file('site.crt'));
  copyFileSync(file(`${name}/key.pem`), file('site.key'));
}

before(async () => {
  await install('first', ['localhost', '127.0.0.1']);
  await fanfare(['cert', '--self-signed', file('other'), '--name', '*.example.test']);
  writeFileSync(file('broker.toml'), `[listen]
https = ["127.0.0.1:0"]
[tls]
certificate = "${file('site.crt')}"
key = "${file('site.key')}"
[[tls.sni]]
names = ["*.example.test"]
certificate = "${file('other/certificate.pem')}"
key = "${file('other/key.pem')}"
`);
  broker = await Broker.start({ config: file('broker.toml') });
  port = Number(/subscribers: https:\/\/127\.0\.0\.1:(\d+)/.exec(broker.log)[1]);
});
after(() => broker?.stop());

// A stream as an EventSource reads it: lines as they come, over one connection.
function stream(ca, path) {
  const seen = { text: '', ended: false };
  seen.request = https.get({ host: '127.0.0.1', port, path, ca: readFileSync(ca), agent: false }, (answer) => {
    seen.status = answer.statusCode;
    answer.setEncoding('utf8').on('data', (text) => { seen.text += text; });
    answer.on('close', () => { seen.ended = true; });
  });
  seen.request.on('error', (error) => { seen.error = error; seen.ended = true; });
  return seen;
}

const certificateOf = (servername) => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().subjectaltname);
    socket.destroy();
  });
  socket.on('error', reject);
});

test('curl streams over TLS 1.2 and 1.3, and sees the end of a finished channel as an end', async () => {
  for (const version of ['1.2', '1.3']) {
    const channel = `curl-${version}`;
    const curl = start('curl', ['-sSN', '--cacert', file('first/certificate.pem'), `--tlsv${version}`, '--tls-max', version,
      `https://localhost:${port}/events?channel=${channel}`]);
    await until(() => /^retry: /m.test(curl.stdout), () => `the stream opens: ${curl.stderr}`);
    await broker.publish(channel, 'hello');
    await until(() => curl.stdout.includes('data: hello\n'), 'the event comes');
    await broker.finish(channel);
    const { code } = await curl.ended;
    assert.equal(code, 0, `${version}: ${curl.stderr}`);
  }
});

// RFC 9113 §3.3: over TLS, ALPN decides, and the preface alone does not.
test('HTTP/2 is spoken where ALPN has chosen it, and nowhere else', async (t) => {
  const { stdout } = await run('curl', ['-sS', '--http2', '--cacert', file('first/certificate.pem'), '-w', ' %{http_version}',
    `https://localhost:${port}/position`]);
  assert.match(stdout, / 2$/);
  for (const [protocols, expected] of [[['h2'], /^\0\0.\x04/s], [['http/1.1'], /^HTTP\/1\.1 505 /], [undefined, /^HTTP\/1\.1 505 /]]) {
    const socket = tls.connect({ host: '127.0.0.1', port, ALPNProtocols: protocols, rejectUnauthorized: false });
    t.after(() => socket.destroy());
    let text = '';
    socket.setEncoding('latin1').on('data', (more) => { text += more; }).on('error', () => {});
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    await until(() => text.length >= 12, 'an answer');
    assert.match(text, expected, `${protocols}`);
  }
});

test('events of 60 KB come whole', async (t) => {
  const reader = stream(file('first/certificate.pem'), '/events?channel=large');
  t.after(() => reader.request.destroy());
  await until(() => reader.text.includes('retry: '), 'the stream opens');
  const data = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(60, '.')).join('');
  for (let i = 0; i < 6; ++i) await broker.publish('large', data + i);
  await until(() => reader.text.includes(`data: ${data}5\n`), 'all of them come');
  for (let i = 0; i < 6; ++i) assert.ok(reader.text.includes(`data: ${data}${i}\n`));
});

test('a plain request on the TLS port is answered in clear, and says https', async () => {
  const { stdout } = await run('curl', ['-sS', '-i', `http://127.0.0.1:${port}/events?channel=a`]);
  assert.match(stdout, /^HTTP\/1\.1 400 /);
  assert.match(stdout, /https:\/\//);
});

test('the certificate is that of the name which is asked for', async () => {
  assert.equal(await certificateOf('events.example.test'), 'DNS:*.example.test');
  assert.match(await certificateOf('localhost'), /DNS:localhost/);
  assert.match(await certificateOf('unknown.test'), /DNS:localhost/);
});

test('a new certificate is shown after SIGHUP, nobody is disconnected, and a bad one changes nothing', async (t) => {
  const old = stream(file('first/certificate.pem'), '/events?channel=reload');
  t.after(() => old.request.destroy());
  await until(() => old.text.includes('retry: '), 'the stream opens');
  await install('second', ['localhost', '127.0.0.1', 'renewed.test']);
  broker.signal('SIGHUP');
  await until(async () => /renewed/.test(await certificateOf('localhost')), 'the new certificate is shown');
  await broker.publish('reload', 'still here');
  await until(() => old.text.includes('data: still here\n'), 'the old stream goes on');

  const from = broker.log.length;
  copyFileSync(file('first/key.pem'), file('site.key'));
  broker.signal('SIGHUP');
  await until(() => /the certificates stay/.test(broker.log.slice(from)), 'the log says so');
  assert.match(broker.log.slice(from), /the key does not belong to the certificate/);
  assert.match(await certificateOf('localhost'), /renewed/);
  assert.equal(old.ended, false);
});

test('a session is resumed, and counted', async () => {
  const connect = (session) => new Promise((resolve, reject) => {
    let ticket;
    const socket = tls.connect({ host: '127.0.0.1', port, session, rejectUnauthorized: false });
    socket.on('session', (one) => { ticket = one; });
    socket.on('error', reject);
    let text = '';
    socket.setEncoding('utf8').on('data', (more) => { text += more; });
    socket.on('end', () => resolve({ ticket, text, resumed: socket.isSessionReused() }));
    socket.on('secureConnect', () => socket.write('GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
  });
  const first = await connect();
  assert.match(first.text, /^HTTP\/1\.1 404 /);
  assert.equal(first.resumed, false);
  const second = await connect(first.ticket);
  assert.equal(second.resumed, true);
  assert.match(second.text, /^HTTP\/1\.1 404 /);
  await until(async () => await broker.metric('tls_resumed_total') >= 1, 'it is counted');
});

test('fanfare check says what is wrong with a certificate, and until when a good one lasts', async () => {
  const checked = (set) => fanfare(['check', '--set', 'listen.https=127.0.0.1:8443', ...set.flatMap((one) => ['--set', one])]);
  const bare = await checked([]);
  assert.equal(bare.code, 78);
  assert.match(bare.stderr, /listen\.https is set, and tls\.certificate is not/);
  const missing = await checked([`tls.certificate=${file('none.pem')}`, `tls.key=${file('first/key.pem')}`]);
  assert.equal(missing.code, 78);
  assert.match(missing.stderr, /\[tls\] certificate: .*none\.pem: /);
  const exchanged = await checked([`tls.certificate=${file('first/key.pem')}`, `tls.key=${file('first/certificate.pem')}`]);
  assert.equal(exchanged.code, 78);
  assert.match(exchanged.stderr, /the two files may be exchanged/);
  const good = await checked([`tls.certificate=${file('first/certificate.pem')}`, `tls.key=${file('first/key.pem')}`]);
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /certificates: localhost, 127\.0\.0\.1 until 20\d\d-/);
});
