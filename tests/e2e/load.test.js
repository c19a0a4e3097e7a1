// fanfare-load, which the figures come from, over each transport: it opens what it is told to, takes
// every event, and notices those that are lost or repeated.
import assert from 'node:assert/strict';
import http from 'node:http';
import http2 from 'node:http2';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { fanfare, run } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const tls = join(folder, 'tls');
let broker;
let ports;

before(async () => {
  const made = await fanfare(['cert', '--self-signed', tls, '--name', 'localhost']);
  assert.equal(made.code, 0, made.stderr);
  broker = await Broker.start({ set: ['server.shards=1', 'limits.connections=500', 'listen.https=127.0.0.1:0',
    `tls.certificate=${join(tls, 'certificate.pem')}`, `tls.key=${join(tls, 'key.pem')}`] });
  ports = { clear: broker.httpPort, tls: Number(/subscribers: https:\/\/127\.0\.0\.1:(\d+)/.exec(broker.log)[1]) };
});
after(() => broker?.stop());

async function load(mode, args) {
  const { code, stdout, stderr } = await run(process.env.FANFARE_LOAD, [mode, '--json', '--server-pid', String(broker.process.pid),
    '--socket', broker.socket, ...args]);
  return { code, stderr, figures: stdout === '' ? {} : JSON.parse(stdout) };
}

const kTransports = {
  'HTTP/1.1': () => ['--port', ports.clear],
  'HTTP/1.1 over TLS': () => ['--port', ports.tls, '--tls'],
  'HTTP/2': () => ['--port', ports.clear, '--h2', '--streams', '20'],
  'HTTP/2 over TLS': () => ['--port', ports.tls, '--tls', '--h2', '--streams', '20'],
};

let accepted = 0;
for (const [name, words] of Object.entries(kTransports)) {
  test(`every event is taken and accounted for over ${name}`, async () => {
    const { code, figures, stderr } = await load('fanout', [...words(), '--subscribers', '100', '--channels', '5', '--window', '50',
      '--event-bytes', '3000', '--seconds', '0.3', '--prefix', `load-${name.replace(/\W/g, '')}`]);
    assert.equal(code, 0, stderr);
    assert.equal(figures.deliveries, figures.events * 20);
    assert.deepEqual([figures.missing, figures.lost, figures.repeated, figures.gaps, figures.ended], [0, 0, 0, 0, 0]);
    assert.ok(figures.deliveries_per_cpu_second > 0);
    accepted += name.startsWith('HTTP/2') ? 5 : 100;
    await until(async () => (await broker.metric('connections_accepted_total')) === accepted, 'as many connections as it takes');
  });
}

test('an idle HTTP/2 connection is measured with one stream, and each further one by itself', async () => {
  const { code, figures, stderr } = await load('idle', ['--port', ports.clear, '--h2', '--streams', '50', '--subscribers', '200',
    '--verify', '2', '--seconds', '0.1']);
  assert.equal(code, 0, stderr);
  assert.equal(figures.connections, 4);
  assert.ok('rss_bytes_per_extra_stream' in figures);
  assert.deepEqual([figures.missing, figures.lost, figures.ended], [0, 0, 0]);
});

test('everybody comes back with the last id over HTTP/2, and misses nothing', async () => {
  const { code, figures, stderr } = await load('storm', ['--port', ports.tls, '--tls', '--h2', '--streams', '10', '--subscribers', '100',
    '--missed', '20', '--resume']);
  assert.equal(code, 0, stderr);
  assert.deepEqual([figures.missing, figures.lost, figures.repeated], [0, 0, 0]);
});

test('handshakes are full ones, or resumed ones with --resume', async () => {
  const full = await load('handshake', ['--port', ports.tls, '--tls', '--seconds', '0.1']);
  assert.equal(full.code, 0, full.stderr);
  assert.ok(full.figures.handshakes > 0);
  assert.equal(full.figures.resumed, 0);
  const again = await load('handshake', ['--port', ports.tls, '--tls', '--seconds', '0.1', '--resume']);
  assert.equal(again.figures.resumed, again.figures.handshakes);
});

test('plain answers are fetched over HTTP/2, whole', async () => {
  const { body } = await new Promise((resolve) => {
    http.get(`${broker.url}/fanfare.js`, async (answer) => {
      let text = '';
      for await (const piece of answer) text += piece;
      resolve({ body: text });
    });
  });
  for (const words of [['--port', ports.clear], ['--port', ports.tls, '--tls']]) {
    const { code, figures, stderr } = await load('fetch', [...words, '--h2', '--streams', '5', '--subscribers', '10',
      '--path', '/fanfare.js', '--seconds', '0.1']);
    assert.equal(code, 0, stderr);
    assert.equal(figures.body_bytes, body.length);
    assert.ok(figures.answers >= 50);
  }
});

test('streams that the server ends while they are held are reported, and not waited for', async () => {
  const { code, stderr } = await load('idle', ['--port', ports.clear, '--h2', '--streams', '50', '--subscribers', '600']);
  assert.equal(code, 1);
  assert.match(stderr, /500 of 600 streams are open, 0 were refused, 100 were ended by the server/);
});

test('a server that repeats one event and loses another is found out over HTTP/2', async () => {
  const streams = [];
  const faulty = http2.createServer();
  faulty.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
    stream.on('error', () => {});
    streams.push(stream);
  });
  await new Promise((resolve) => { faulty.listen(0, '127.0.0.1', resolve); });
  let published = 0;
  let last = '';
  const publisher = http.createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    published += 1;
    if (published !== 7) last = text; // the seventh is the sixth, once more
    for (const stream of streams) stream.write(`data: ${last}\n\n`);
    response.end();
  });
  await new Promise((resolve) => { publisher.listen(0, '127.0.0.1', resolve); });
  const { code, stdout, stderr } = await run(process.env.FANFARE_LOAD, ['fanout', '--json', '--h2', '--streams', '3', '--subscribers', '6',
    '--port', faulty.address().port, '--path', '/{channel}', '--dialect', 'http', '--publish-path', '/{channel}',
    '--publish-port', publisher.address().port, '--seconds', '0.2']);
  assert.equal(code, 3, stderr);
  const figures = JSON.parse(stdout);
  assert.deepEqual([figures.repeated, figures.lost], [6, 6]);
  for (const stream of streams) stream.destroy();
  faulty.close();
  publisher.closeAllConnections();
  publisher.close();
});
