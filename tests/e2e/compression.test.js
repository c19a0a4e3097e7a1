// Compressed streams, as real clients decode them: a browser's EventSource, curl, Python's zlib, Node's fetch. The second of
// each pair comes late, into a feed whose window is in use.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, listen, Pages, record } from './harness/browser.js';
import { Broker } from './harness/broker.js';
import { start } from './harness/command.js';
import { until } from './harness/wait.js';

let broker;
let pages;
before(async () => {
  pages = await Pages.start();
  broker = await Broker.start({ set: ['delivery.compress=true', 'delivery.retry=200ms', `cors.origins=${pages.origin}`] });
});
after(async () => {
  await broker?.stop();
  pages?.close();
});

const url = (channel, more = '') => `${broker.url}/events?channel=${channel}${more}`;
const metrics = (n) => JSON.stringify({ host: 'srv-fra-07', cpu: { user: n, system: 4.1 }, memory: { used: 8340119552 + n }, é: '\u{1f600}' });

// `open` begins a stream and returns what gives its events' data as far as they have been read. Each event is published when
// the one before has been read.
async function reads(channel, open) {
  const readers = [];
  let published = 0;
  for (let n = 1; n <= 45; n += 1) {
    if (n === 1 || n === 10) {
      const others = await broker.metric('subscriptions_total');
      readers.push({ first: n, data: await open(readers.length) });
      await until(async () => (await broker.metric('subscriptions_total')) > others, 'the stream is open');
    }
    await broker.publish(channel, metrics(n));
    published = n;
    for (const { first, data } of readers) {
      await until(async () => (await data()).length === n - first + 1, `event ${n} is read`);
    }
  }
  for (const { first, data } of readers) {
    assert.deepEqual(await data(), Array.from({ length: published - first + 1 }, (_, index) => metrics(first + index)));
  }
}

const dataOf = (text) => text.split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice(6));

test('an EventSource gets each event at once, also one that comes later', async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(pages.origin);
  await reads('browser', async (index) => {
    await listen(page, `source${index}`, url('browser'));
    return async () => (await record(page, `source${index}`)).events.map(({ data }) => data);
  });
  const before = await record(page, 'source1');
  assert.equal(before.errors, 0);
  assert.match(before.events.at(-1).lastEventId, /^[0-9a-z]{7}-\d+$/);
  await broker.finish('browser');
  await until(async () => (await record(page, 'source1')).state === 2, 'the answer is 204 when it comes back');
});

test('curl --compressed reads them, and its stream ends without an error', async (t) => {
  const curls = [];
  await reads('curl', () => {
    const curl = start('curl', ['-sN', '--compressed', url('curl')]);
    t.after(() => curl.child.kill());
    curls.push(curl);
    return () => dataOf(curl.stdout);
  });
  await broker.finish('curl');
  for (const curl of curls) assert.deepEqual(await curl.ended, { code: 0, signal: null });
});

test('Python decodes them with zlib, and finds the end and its sum', async (t) => {
  const program = `
import http.client, sys, urllib.parse, zlib
at = urllib.parse.urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(at.netloc)
connection.request("GET", at.path + "?" + at.query, headers={"Accept-Encoding": "gzip"})
answer = connection.getresponse()
assert answer.getheader("Content-Encoding") == "gzip"
decoder = zlib.decompressobj(31)
while piece := answer.read1(65536):
    sys.stdout.write(decoder.decompress(piece).decode())
    sys.stdout.flush()
assert decoder.eof and not decoder.unused_data
`;
  const pythons = [];
  await reads('python', () => {
    const python = start('python3', ['-c', program, url('python')], { env: { PYTHONIOENCODING: 'utf-8' } });
    t.after(() => python.child.kill());
    pythons.push(python);
    return () => dataOf(python.stdout);
  });
  await broker.finish('python');
  for (const python of pythons) {
    assert.deepEqual(await python.ended, { code: 0, signal: null }, python.stderr);
  }
});

test('fetch decodes them, and its body ends', async () => {
  const ends = [];
  await reads('fetch', async () => {
    const answer = await fetch(url('fetch'));
    assert.equal(answer.headers.get('content-encoding'), 'gzip');
    let text = '';
    const read = async () => {
      for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) text += piece;
    };
    ends.push(read());
    return () => dataOf(text);
  });
  await broker.finish('fetch');
  await Promise.all(ends);
});

test('a fraction of the bytes is sent, and the metrics say so', async () => {
  const { fanfare_compressed_text_bytes_total: text, fanfare_compressed_bytes_total: bytes } = await broker.metrics();
  assert.ok(text > 4 * bytes, `${text} became ${bytes}`);
  await until(async () => (await broker.metric('compressors')) === 0, 'no stream is left');
});
