// Behind real proxies: whose requests they pass on, in each of the ways in which they can say so, and what one client may
// have then.
import assert from 'node:assert/strict';
import http from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { kWays, Proxies } from './harness/proxies.js';
import { until } from './harness/wait.js';

let broker;
let proxies;
const opened = [];

before(async () => {
  broker = await Broker.start({
    // HAProxy notices that its client has left when it has something to send.
    set: ['server.shards=2', 'delivery.heartbeat=1s', 'fronts.trusted=127.0.0.1', 'fronts.proxy_protocol=accept',
      'limits.streams_per_address=1', 'limits.requests_per_address=1000/s'],
  });
  proxies = await Proxies.start(broker.httpPort);
});
after(async () => {
  for (const stream of opened) stream.close();
  await proxies?.stop();
  await broker?.stop();
});

// A client at one of this machine's other addresses opens a stream; resolves with its first words.
function open(url, from, path = '/events?channel=news') {
  return new Promise((resolve, reject) => {
    const asked = http.request(`${url}${path}`, { localAddress: from, agent: false }, (answer) => {
      answer.setEncoding('utf8');
      answer.on('error', () => {});
      answer.once('data', (text) => {
        const stream = { status: answer.statusCode, text, close: () => asked.destroy() };
        opened.push(stream);
        resolve(stream);
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}

const kTooMany = /^: this address has as many streams as \[limits\] streams_per_address allows/m;

for (const way of kWays) {
  test(`${way}: each client has its own limit, and gets it back`, async () => {
    const first = await open(proxies.url(way), '127.0.0.2');
    assert.doesNotMatch(first.text, kTooMany);
    assert.match((await open(proxies.url(way), '127.0.0.2')).text, kTooMany);
    const neighbour = await open(proxies.url(way), '127.0.0.3');
    assert.doesNotMatch(neighbour.text, kTooMany);
    first.close();
    neighbour.close();
    await until(async () => (await broker.metric('subscribers')) === 0, 'both are gone', 10);
    const again = await open(proxies.url(way), '127.0.0.2');
    assert.doesNotMatch(again.text, kTooMany);
    again.close();
    await until(async () => (await broker.metric('subscribers')) === 0, 'it is gone', 10);
  });
}

test('the front itself has no limit, and a stranger is not believed', async () => {
  const checks = [await open(broker.url, '127.0.0.1'), await open(broker.url, '127.0.0.1')];
  for (const check of checks) assert.doesNotMatch(check.text, kTooMany);
  for (const check of checks) check.close();
  const stranger = connect({ port: broker.httpPort, host: '127.0.0.1', localAddress: '127.0.0.2' });
  let received = '';
  stranger.setEncoding('latin1').on('data', (text) => { received += text; });
  stranger.write('PROXY TCP4 192.0.2.1 127.0.0.1 5 80\r\nGET /events?channel=a HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => received.endsWith('trusted\n'), 'the refusal', 10);
  assert.match(received, /^HTTP\/1\.1 403 Forbidden\r\n/);
  assert.match(received, /the PROXY protocol comes from 127\.0\.0\.2, which is not in \[fronts\] trusted\n$/);
  stranger.destroy();
  await until(() => /a connection from 127\.0\.0\.2:\d+ was refused: the PROXY protocol/.test(broker.log), 'it is logged', 10);
});

test('nothing is counted any more once everybody has left', async () => {
  for (const stream of opened) stream.close();
  await until(async () => (await broker.metric('subscribers')) === 0, 'everybody is gone', 10);
  await until(async () => (await broker.metric('proxy_headers_total')) >= 9, 'the PROXY protocol was used', 10);
  await until(async () => (await broker.metric('clients_counted')) <= 3, 'none holds anything', 10);
});
