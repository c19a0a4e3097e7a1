// [delivery] end_event: a finished stream says in its own words that it is over, whatever carries it, and no other end does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { fanfare, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { until, within } from './harness/wait.js';

const folder = temporaryFolder();
const certificate = join(folder, 'certificate.pem');
const kTransports = {
  'HTTP/1.0': ['--http1.0'],
  'HTTP/1.1': ['--http1.1'],
  'HTTP/1.1, TLS 1.2': ['--http1.1', '--tls-max', '1.2'],
  'HTTP/1.1, TLS 1.3': ['--http1.1', '--tlsv1.3'],
  'HTTP/2': ['--http2-prior-knowledge'],
  'HTTP/2, TLS': ['--http2'],
};
const kEventStream = /(^|\n)event: end\n(id: .*\n)?data: ?\n\n$/;
const kForms = {
  '': kEventStream,
  '&with_channel=1': kEventStream,
  '&format=json': /\n\{"end":true\}\n$/,
  '&poll=1&wait=25s': kEventStream,
  '&poll=1&wait=25s&format=json': /\n\{"end":true\}\n$/,
};
let broker;

before(async () => {
  const made = await fanfare(['cert', '--self-signed', folder]);
  assert.equal(made.code, 0, made.stderr);
  broker = await Broker.start({ set: ['server.shards=2', 'delivery.end_event=end', 'limits.drain=0s',
    'listen.https=127.0.0.1:0', `tls.certificate=${certificate}`, `tls.key=${join(folder, 'key.pem')}`] });
});
after(() => broker?.stop());

// curl, over each transport: {name, running, head()}.
function onEach(path) {
  const secure = /subscribers: (https:\/\/127\.0\.0\.1:\d+)/.exec(broker.log)[1];
  return Object.entries(kTransports).map(([transport, flags], i) => {
    const head = join(folder, `head-${path.replace(/\W/g, '_')}-${i}`);
    const url = `${transport.includes('TLS') ? secure : broker.url}${path}`;
    const running = start('curl', ['-sSN', '--max-time', '60', '-D', head, '--cacert', certificate, ...flags, url]);
    return { name: `${path}, ${transport}`, running, head: () => readFileSync(head, 'utf8') };
  });
}
const position = async () => (await request(`${broker.url}/position`)).headers['last-event-id'];

test('a stream of a finished channel ends with it, in every form on every transport', async () => {
  const now = await position();
  const clients = Object.entries(kForms).flatMap(([form, last]) => onEach(`/events?channel=over&last_event_id=${now}${form}`)
    .map((client) => ({ ...client, last })));
  const streams = clients.filter(({ name }) => !name.includes('poll='));
  await until(async () => {
    const { fanfare_subscribers: open, fanfare_polls_waiting: waiting } = await broker.metrics();
    return open === clients.length && waiting === clients.length - streams.length;
  }, 'all are there');
  await broker.finish('over');
  for (const { name, running, last, head } of clients) {
    const { code } = await within(running.ended, `${name} ends`);
    assert.equal(code, 0, `${name}: ${running.stderr}`);
    if (name.includes('poll=')) { // with nothing else to say, its status says it
      assert.match(head(), /^HTTP\/[\d.]+ 204/, name);
      continue;
    }
    assert.match(`\n${running.stdout}`, last, name);
    assert.equal(running.stdout.match(/"end":true|event: end/g).length, 1, name);
  }
});

test('a client that comes back for the rest gets the rest, then the end event; a later one gets 204', async () => {
  const before = await position();
  await broker.publish('rest', 'the last');
  await broker.finish('rest');
  for (const [form, last] of Object.entries(kForms)) {
    for (const { name, running } of onEach(`/events?channel=rest&last_event_id=${before}${form}`)) {
      const { code } = await within(running.ended, `${name} ends`);
      assert.equal(code, 0, `${name}: ${running.stderr}`);
      assert.match(running.stdout, /the last/, name);
      assert.match(`\n${running.stdout}`, last, name);
    }
  }
  for (const { name, running, head } of onEach(`/events?channel=rest&last_event_id=${await position()}`)) {
    await within(running.ended, `${name} ends`);
    assert.match(head(), /^HTTP\/[\d.]+ 204/, name);
    assert.equal(running.stdout, '', name);
  }
});

test('raw payloads have no words for it, and a broker that stops does not say it', async () => {
  const raw = onEach('/events?channel=payload&format=raw');
  const staying = ['', '&format=json'].flatMap((form) => onEach(`/events?channel=stays${form}`));
  await until(async () => (await broker.metric('subscribers')) === raw.length + staying.length, 'all are there');
  await broker.publish('payload', 'bytes');
  await broker.finish('payload');
  for (const { name, running } of raw) {
    assert.equal((await within(running.ended, `${name} ends`)).code, 0, `${name}: ${running.stderr}`);
    assert.equal(running.stdout, 'bytes', name);
  }
  await broker.stop();
  for (const { name, running } of staying) {
    const { code } = await within(running.ended, `${name} ends`);
    assert.notEqual(code, 0, name);
    assert.doesNotMatch(running.stdout, /"end":true|event: end/, name);
  }
});
