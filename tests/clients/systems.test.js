// The systems people build on an EventSource, each a page written as its authors write it (the same
// addresses, the same calls), with the broker as the server and a small application as the publisher.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { request } from '../e2e/harness/broker.js';
import { Front } from '../e2e/harness/front.js';
import { seededRandom } from '../e2e/harness/random.js';
import { until } from '../e2e/harness/wait.js';
import { echo } from './apps/echo.js';
import { typewriter } from './apps/typewriter.js';
import { seen, shoot, shows, untilSeen } from './harness/stage.js';

const whats = (noted) => noted.map(({ what }) => what);
const has = (what, count = 1) => (noted) => noted.filter((one) => one.what === what).length >= count;
const of = (noted, what) => noted.filter((one) => one.what === what);
const words = (list) => list.join(', ');

shows('1. a plain EventSource: open, message, close', async (t, stage) => {
  const { broker } = stage;
  const page = await stage.open(t, 'life');
  await untilSeen(page, has('open, heard'), 'it opens');
  const id = await broker.publish('notes', '你好, world');
  const noted = await untilSeen(page, has('message, heard'), 'the message arrives');
  assert.deepEqual(whats(noted), ['created', 'open', 'open, heard', 'message', 'message, heard']);
  const { data, origin, lastEventId } = noted[3];
  assert.deepEqual([data, origin, lastEventId], ['你好, world', 'http://127.0.0.1', id]);
  await stage.subscribers(1);
  await shoot(page, 'life');
  await page.click('#close');
  await stage.subscribers(0, 1);
  assert.deepEqual((await seen(page)).at(-1), { what: 'closed', state: 2 });
  return `${words(whats(noted))}; "${data}" from ${origin} with id ${lastEventId}; close() freed its slot within a second`;
});

shows('2. readyState over a life: a broker that dies, one that comes back, a channel that is finished', async (t, stage) => {
  const { broker } = stage;
  const page = await stage.open(t, 'life');
  await untilSeen(page, has('open'), 'it opens before there is an event');
  await broker.kill();
  await untilSeen(page, has('error'), 'the page sees the error');
  await broker.begin();
  await untilSeen(page, has('open', 2), 'it reconnects by itself', 20);
  await broker.publish('notes', 'again');
  await untilSeen(page, has('message'), 'it goes on');
  await broker.finish('notes');
  const noted = await untilSeen(page, (all) => all.at(-2).state === 2, 'the finished channel stops it');
  const states = noted.filter(({ what }) => !what.endsWith('heard')).map(({ what, state }) => `${what} ${state}`);
  const once = states.filter((state, at) => state !== states[at - 1]);
  assert.deepEqual(once, ['created 0', 'open 1', 'error 0', 'open 1', 'message 1', 'error 0', 'error 2']);
  return words(once);
});

shows('3. an EventSource with credentials, from a page of another origin', async (t, stage) => {
  const cookie = { name: 'session', value: 'of-this-user', url: 'http://push.example.com/', sameSite: 'Lax' };
  const context = await stage.browser.newContext();
  t.after(() => context.close());
  await context.addCookies([cookie]);
  const requests = [];
  context.on('request', (one) => { if (one.url().includes('/sse')) requests.push(one); });
  const page = await stage.open(t, 'credentials', { context });
  await untilSeen(page, has('open'), 'the allowed origin opens');
  await stage.broker.publish('notes', 'for you');
  const [message] = of(await untilSeen(page, has('message'), 'it is sent to'), 'message');
  const sent = await requests[0].allHeaders();
  assert.equal(sent.cookie, 'session=of-this-user');
  const without = await stage.open(t, 'credentials', { context, query: '?without' });
  await untilSeen(without, has('open'), 'it opens without credentials, too');
  assert.equal((await requests[1].allHeaders()).cookie, undefined);

  const stranger = await stage.open(t, 'credentials', { context, site: 'http://stranger.example.com' });
  const refused = await untilSeen(stranger, has('error'), 'another origin is refused');
  assert.deepEqual(refused, [{ what: 'created', withCredentials: true }, { what: 'error', state: 2 }]);
  assert.match(stage.broker.log, /http:\/\/stranger\.example\.com/, 'the log names the origin and the line to write');
  return `"${message.data}" from ${message.origin}, the cookie was sent (${sent.cookie}), and not without withCredentials; an origin that is not listed: readyState 2`;
});

shows('4. events with names reach the listeners of those names, and no others', async (t, stage) => {
  const { broker } = stage;
  const page = await stage.open(t, 'names');
  await untilSeen(page, has('open'), 'it opens');
  for (const event of ['foo', 'xxx', undefined, 'Foo', 'unheard', 'foo']) await broker.publish('notes', `to ${event}`, { event });
  await broker.publish('notes', 'last');
  const noted = await untilSeen(page, has('onmessage', 2), 'all have come');
  assert.deepEqual(noted.slice(1).map(({ what, data }) => [what, data]),
    [['foo', 'to foo'], ['xxx', 'to xxx'], ['onmessage', 'to undefined'], ['foo', 'to foo'], ['onmessage', 'last']]);
  return `${of(noted, 'foo').length} foo, ${of(noted, 'xxx').length} xxx, ${of(noted, 'onmessage').length} without a name; "Foo" is another name`;
});

shows('6. SSEService: no error when the publisher finishes, exactly one when the broker is killed', async (t, stage) => {
  const { broker } = stage;
  const answers = `answers/${createHash('sha256').update('为什么 & how?').digest('hex')}`;
  const page = await stage.open(t, 'service');
  await page.click('button');
  await untilSeen(page, has('open'), 'it opens');
  assert.equal(stage.site.passed[0].url, `/xxx/xxx?query=${encodeURIComponent('为什么 & how?')}`);
  for (const text of ['因为', ' ', '所以']) await broker.publish(answers, JSON.stringify({ status: 0, text }));
  await broker.publish(answers, '{"status":1}');
  await broker.finish(answers);
  await stage.subscribers(0);
  const first = await untilSeen(page, has('message', 4), 'the last message arrives before the end');
  assert.deepEqual(whats(first), ['open', 'message', 'message', 'message', 'message'], 'onError has not been called');
  assert.equal(await page.textContent('output'), '因为 所以');
  await shoot(page, 'service');

  await request(`http://x/channels/${answers}`, { method: 'DELETE', socketPath: broker.socket });
  await page.click('button');
  await untilSeen(page, has('open', 2), 'it opens again');
  await broker.publish(answers, '{"status":0,"text":"…"}');
  await untilSeen(page, has('message', 5), 'an answer has begun');
  await broker.kill();
  await untilSeen(page, has('error'), 'the error arrives');
  await broker.begin();
  // Another answer on the same page: nothing of the broken one comes back.
  await page.click('button');
  const noted = await untilSeen(page, has('open', 3), 'it opens once more');
  assert.equal(of(noted, 'error').length, 1, 'one error, and the class gave up');
  const other = await request(`${broker.url}/xxx/xxx`, {});
  assert.equal(other.status, 400, 'a request without a question is refused');
  return `four messages up to {"status":1} and no error; after a kill ${of(noted, 'error').length} error and no request of its own`;
}, { passes: ['/xxx/xxx'] });

const kText = '春眠不觉晓，处处闻啼鸟。 Two  spaces, a\ttab,\na line,\r\nanother: "：" 👩‍👩‍👧 e\u0301 n\u0303 \u{1f600}\u2028 undefined  ';

shows('7. the Express typewriter as a publisher, one code point a tick, through random cuts', async (t, stage) => {
  const random = seededRandom(7);
  const app = typewriter({ socket: stage.broker.socket, text: kText, tick: 20 });
  stage.site.on('/type', (incoming, response) => app(incoming, response));
  const page = await stage.open(t, 'typewriter');
  await untilSeen(page, has('open'), 'it opens');
  await page.evaluate(() => fetch('/type', { method: 'POST' }));
  const expected = kText.replaceAll('\r', '\n'); // every line end in the data of an event is a line feed
  let length = 0;
  await until(async () => {
    const now = (await page.textContent('output')).length;
    if (now > length && random() < 0.2) stage.proxy.cut();
    length = now;
    return now >= expected.length;
  }, 'the text is typed', 40);
  assert.equal(await page.textContent('output'), expected);
  const noted = await untilSeen(page, (all) => all.at(-1).state === 2, 'the end stops the page');
  await shoot(page, 'typewriter');
  assert.ok(stage.proxy.cuts >= 3, `it was cut ${stage.proxy.cuts} times`);
  const half = await request('http://x/publish', { method: 'POST', socketPath: stage.broker.socket,
    headers: { 'Content-Type': 'application/x-ndjson' }, body: '{"channel":"typewriter","data":"\\ud83d"}' });
  assert.match(half.body, /"ok":false/, 'half an emoji is no character');
  return `${[...kText].length} code points intact through ${stage.proxy.cuts} cuts and ${of(noted, 'open').length} connections; half an emoji: ${JSON.parse(half.body).error}`;
});

shows('9. the page with buttons: connect, disconnect, and what its parameters were', async (t, stage) => {
  const app = echo({ socket: stage.broker.socket });
  t.after(() => app.close());
  const page = await stage.open(t, 'demo');
  const lines = async () => (await page.innerText('#message')).split('\n').filter(Boolean);
  await page.click('text=断开');
  await until(() => page.problems.length === 1, 'to disconnect before connecting is an error of the page');
  await page.click('text=建立');
  await until(async () => (await lines()).length === 2, 'it connects, and is answered');
  const [connected, answer] = await lines();
  assert.equal(connected, 'connected: 1');
  assert.match(answer, /^1 \| \d{4}-.*Z \| \{"content":"xxx"\}$/);
  await page.click('text=建立');
  await stage.subscribers(2);
  await until(async () => (await lines()).length === 4, 'the second connection has its own answer, and the first nothing more');
  assert.match((await lines())[3], /^2 \| /);
  await page.click('text=断开');
  await stage.subscribers(1);
  await until(async () => (await lines()).at(-1) === 'closed: 2', 'it disconnects');
  await shoot(page, 'demo');
  return `${connected}; ${answer}; closed: 2; a second click on connect: 2 connections with an answer each, of which one stays`;
}, { routes: () => '[[route]]\npath = "/sse"\nchannels = ["own/{connection}"]\n' });

shows('11. data screens: the state when they open, and the right value after every fault', async (t, stage) => {
  const { broker, site, proxy } = stage;
  const state = {};
  const set = async (name, value) => {
    state[name] = value;
    await broker.publish(`screen/${name}`, JSON.stringify({ [name]: value }));
  };
  site.on('/state', async (_request, response) => {
    try {
      const { headers } = await request(`${broker.url}/events?channel=screen/*`, { method: 'HEAD' });
      response.end(JSON.stringify({ position: headers['last-event-id'], state }));
    } catch {
      response.destroy(); // the broker is down
    }
  });
  const names = ['orders', 'visitors', 'errors'];
  for (const name of names) await set(name, 1);
  const pages = [];
  for (let i = 0; i < 4; ++i) pages.push(await stage.open(t, 'screen', { context: await context(t, stage) }));
  const right = (what) => until(async () => {
    const shown = await Promise.all(pages.map((page) => page.$$eval('dd', (all) => all.map((one) => Number(one.textContent)))));
    return shown.every((values) => `${values}` === `${Object.keys(state).sort().map((name) => state[name])}`);
  }, what, 20);
  await right('every screen shows the state when it opens');
  for (let i = 2; i < 30; ++i) await set(names[i % 3], i);
  await right('every screen follows');
  proxy.hold();
  proxy.cut();
  await set('orders', 100);
  proxy.release();
  await right('every screen has what was published while the network was away');
  await broker.kill();
  state.visitors = 200; // nobody could be told
  await broker.begin();
  await right('every screen loads the state anew after a restart');
  await set('errors', 300);
  await right('and follows again');
  await shoot(pages[0], 'screen');
  const gaps = (await Promise.all(pages.map(seen))).map((noted) => of(noted, 'gap').length);
  assert.deepEqual(gaps, [1, 1, 1, 1]);
  return `${pages.length} screens showed ${JSON.stringify(state)} after a cut network and a killed broker, which each was told of once`;
});

const context = async (t, stage) => {
  const made = await stage.browser.newContext();
  t.after(() => made.close());
  return made;
};

shows('12. message tracking: every number once and in order, or a gap that says which are missing', async (t, stage) => {
  const { broker, proxy } = stage;
  const page = await stage.open(t, 'tracking', { query: '?channel=tracking/long' });
  await untilSeen(page, has('position'), 'it opens');
  const count = 200;
  for (let i = 1; i <= count; ++i) {
    await broker.publish('tracking/long', `${i}`);
    if (i % 40 !== 20) continue;
    await until(() => proxy.pairs.size > 0, 'the page is connected');
    proxy.cut();
  }
  const all = await untilSeen(page, (noted) => of(noted, 'message').length >= count, 'all numbers arrive', 20);
  assert.deepEqual(of(all, 'message').map(({ data }) => data), Array.from({ length: count }, (_, i) => i + 1));

  const away = await stage.open(t, 'tracking', { query: '?channel=tracking/short' });
  await untilSeen(away, has('position'), 'it opens');
  const last = await broker.publish('tracking/short', '0');
  await untilSeen(away, has('message'), 'the first arrives');
  proxy.hold();
  proxy.cut();
  for (let i = 1; i <= 100; ++i) await broker.publish('tracking/short', `${i}`);
  proxy.release();
  const noted = await untilSeen(away, (now) => now.at(-1).data === 100, 'it is back', 20);
  const [gap, ...further] = of(noted, 'gap');
  assert.equal(further.length, 0, 'one gap');
  assert.deepEqual([gap.data.reason, gap.data.after], ['evicted', last]);
  const kept = of(noted, 'message').map(({ data }) => data);
  assert.deepEqual(kept, [0, ...Array.from({ length: 20 }, (_, i) => 81 + i)]);
  return `1..${count} once and in order through ${proxy.cuts - 1} cuts; away too long: a gap (${gap.data.reason}) after 0, then ${kept[1]}..${kept.at(-1)}`;
});

const kTabs = 7;

async function tabs(t, stage, query = '', ignoreHTTPSErrors = false) {
  const shared = await stage.browser.newContext({ ignoreHTTPSErrors });
  t.after(() => shared.close());
  const pages = [];
  for (let i = 0; i < kTabs; ++i) pages.push(await stage.open(t, 'tab', { context: shared, query }));
  return pages;
}
const openTabs = async (pages) => (await Promise.all(pages.map(seen))).filter(has('open')).length;

shows('13. seven tabs: six open over HTTP/1.1, all with one shared stream, all over HTTP/2', async (t, stage) => {
  const plain = await tabs(t, stage);
  await until(async () => (await openTabs(plain)) === 6, 'six tabs open');
  await stage.subscribers(6);
  await stage.broker.publish('tabs', 'to six');
  await until(async () => (await Promise.all(plain.map(seen))).filter(has('message')).length === 6, 'six have the message');
  assert.equal(await openTabs(plain), 6, 'the seventh waits for a connection');
  await plain[0].close();
  await until(async () => (await openTabs(plain.slice(1))) === 6, 'the seventh opens as soon as another is closed');
  for (const page of plain.slice(1)) await page.close();
  await stage.subscribers(0);

  const sharing = await tabs(t, stage, '?shared');
  await until(async () => (await openTabs(sharing)) === kTabs, 'all seven share a stream');
  await stage.subscribers(1);
  await stage.broker.publish('tabs', 'to all');
  await Promise.all(sharing.map((page) => untilSeen(page, has('message'), 'every tab has the message')));

  const front = await Front.start(stage.broker.httpPort);
  t.after(() => front.stop());
  const modern = await tabs(t, stage, `?base=${front.url}`, true);
  await until(async () => (await openTabs(modern)) === kTabs, 'all seven open over HTTP/2', 20);
  await stage.subscribers(1 + kTabs);
  return 'over HTTP/1.1 six of seven, and the seventh when one closes; with a SharedWorker all seven on one stream; over HTTP/2 all seven';
});
