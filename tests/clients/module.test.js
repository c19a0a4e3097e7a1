// The browser module, /fanfare.js, in pages of another origin than the broker's.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';

import { request } from '../e2e/harness/broker.js';
import { CuttingProxy } from '../e2e/harness/cutting_proxy.js';
import { seededRandom } from '../e2e/harness/random.js';
import { TokenIssuer } from '../e2e/harness/tokens.js';
import { until } from '../e2e/harness/wait.js';
import { seen, shoot, shows, untilSeen } from './harness/stage.js';

const of = (noted, what) => noted.filter((one) => one.what === what);
const has = (what, count = 1) => (noted) => of(noted, what).length >= count;
const data = (noted, what = 'message') => of(noted, what).map((one) => one.data);
const numbers = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => `${first + i}`);
const kTabs = 7;
// Locks are for pages that came over https, or from this machine.
const kSecure = { args: ['--unsafely-treat-insecure-origin-as-secure=http://app.example.com'] };

async function tabs(t, stage, count, query = '?channel=tabs') {
  const context = await stage.browser.newContext();
  t.after(() => context.close());
  const pages = [];
  for (let i = 0; i < count; ++i) {
    pages.push(await stage.open(t, 'module', { context, query }));
    await untilSeen(pages[i], has('open'), `tab ${i} opens`);
  }
  return pages;
}
const each = (pages, fact, what, seconds) => Promise.all(pages.map((page) => untilSeen(page, fact, what, seconds)));
const publish = async (stage, texts) => { for (const text of texts) await stage.broker.publish('tabs', text); };

shows('the browser module: seven tabs on one connection; whichever closes, the others miss nothing and get nothing twice', async (t, stage) => {
  const pages = await tabs(t, stage, kTabs);
  await stage.subscribers(1);
  await publish(stage, numbers(1, 20));
  await each(pages, has('message', 20), 'every tab has every event');
  const publishing = (async () => publish(stage, numbers(21, 400)))();
  for (const gone of [0, 1, 2]) {
    await untilSeen(pages.at(-1), has('message', 100 * (gone + 1)), 'events arrive', 60);
    await pages[gone].close(); // it leads
  }
  await publishing;
  const left = pages.slice(3);
  for (const noted of await each(left, (all) => data(all).at(-1) === '400', 'the last event arrives', 60)) {
    assert.deepEqual(data(noted), numbers(1, 400));
    assert.deepEqual(of(noted, 'gap'), []);
  }
  await stage.subscribers(1);
  assert.deepEqual(left.flatMap((page) => page.problems), []);
  await shoot(left[0], 'module');
  return `${kTabs} tabs, 1 stream at the broker; three times the tab with the connection closed, and each of the other ${left.length} has 1..400 once and in order`;
}, kSecure);

shows('the browser module: a cut connection is resumed, and a killed broker is one gap in every tab, with its exact range', async (t, stage) => {
  const pages = await tabs(t, stage, 3);
  await publish(stage, ['1']);
  await each(pages, has('message'), 'every tab has the first');
  stage.proxy.hold();
  stage.proxy.cut();
  await each(pages, has('error'), 'every tab knows that there is no connection');
  await publish(stage, ['2', '3']);
  stage.proxy.release();
  const before = await each(pages, has('message', 3), 'what was published in between arrives', 20);
  const last = of(before[0], 'message').at(-1).lastEventId;
  await stage.broker.kill();
  await stage.broker.begin();
  const resumed = await stage.broker.publish('tabs', '4');
  for (const noted of await each(pages, (all) => data(all).at(-1) === '4', 'they are back', 30)) {
    assert.deepEqual(data(noted), ['1', '2', '3', '4']);
    const [gap, ...further] = of(noted, 'gap');
    assert.equal(further.length, 0, 'one gap');
    const { reason, after, resumed: from } = JSON.parse(gap.data);
    assert.deepEqual([reason, after], ['restarted', last]);
    assert.equal(from.split('-')[0], resumed.split('-')[0]);
    assert.equal(gap.lastEventId, from);
  }
  await stage.subscribers(1);
  return `2 and 3 were published while the network was away and arrived in ${pages.length} tabs; a broker that was killed: one gap each, after ${last}`;
}, kSecure);

shows('the browser module: a connection that died without a word is noticed', async (t, stage) => {
  const silence = 2500;
  const [page, other] = await tabs(t, stage, 2, `?channel=tabs&silence=${silence}&more=%26heartbeat%3D1`);
  const heartbeats = async () => (await stage.broker.metric('heartbeats_total')) >= 4;
  await until(heartbeats, 'heartbeats alone keep it', 20);
  assert.deepEqual(of(await seen(page), 'error'), []);
  stage.proxy.freeze();
  const frozen = performance.now();
  await publish(stage, ['while it was dead']);
  await each([page, other], has('message'), 'it resumes on another connection', 20);
  const took = performance.now() - frozen;
  for (const noted of [await seen(page), await seen(other)]) {
    assert.deepEqual(data(noted), ['while it was dead']);
    assert.equal(of(noted, 'open').length, 2);
  }
  assert.ok(took > silence / 2 && took < silence + 6000, `${took} ms`);
  return `silence: ${silence}, heartbeats each second; the network stopped without a word, and ${Math.round(took)} ms later both tabs had what was published meanwhile`;
}, kSecure);

shows('the browser module: a tab with the connection that its browser freezes is replaced, and catches up', async (t, stage) => {
  const [page, other] = await tabs(t, stage, 2, '?channel=tabs&silence=2500&more=%26heartbeat%3D1');
  const session = await page.context().newCDPSession(page);
  await session.send('Debugger.enable');
  const paused = new Promise((resolve) => { session.once('Debugger.paused', resolve); });
  session.send('Runtime.evaluate', { expression: 'debugger' }).catch(() => {});
  await paused; // nothing runs in this page any more, and it holds the lock
  await publish(stage, ['1', '2']);
  const taken = await untilSeen(other, has('message', 2), 'the other tab takes over', 20);
  assert.equal(of(taken, 'open').length, 2, 'on a connection of its own');
  await session.send('Debugger.resume');
  await publish(stage, ['3']);
  for (const noted of await each([page, other], has('message', 3), 'both go on', 20)) {
    assert.deepEqual(data(noted), ['1', '2', '3']);
  }
  await stage.subscribers(1, 20);
  return 'the tab that led was frozen; the other took its place, and both have 1, 2, 3 once';
}, kSecure);

shows('the browser module: a tab that becomes visible, and one that is online again, try at once', async (t, stage) => {
  const [page] = await tabs(t, stage, 1);
  const attempts = async (count) => { await untilSeen(page, has('error', count), `${count} attempts`, 40); };
  await stage.broker.kill();
  await attempts(5); // the next is seconds away
  await stage.broker.begin();
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);
  await hide(true);
  assert.equal(of(await seen(page), 'open').length, 1, 'a hidden tab waits');
  await hide(false);
  await untilSeen(page, has('open', 2), 'it is connected', 2);
  await stage.proxy.freeze();
  await page.context().setOffline(true);
  await page.context().setOffline(false);
  await untilSeen(page, has('open', 3), 'it is connected anew', 2);
  await publish(stage, ['1']);
  await untilSeen(page, has('message'), 'and works');
  return 'after five attempts, the sixth at the moment the tab became visible; a new connection as soon as the network was back';
}, kSecure);

shows('the browser module: a page that is loaded again goes on where it was, if it says so, and not for ever', async (t, stage) => {
  const read = async (keep) => {
    const [page] = await tabs(t, stage, 1, `?channel=tabs${keep ? `&keep=${keep}` : ''}`);
    const url = page.url();
    await publish(stage, ['1', '2']);
    await untilSeen(page, has('message', 2), 'it has read two');
    await page.goto('about:blank');
    await stage.subscribers(0);
    await publish(stage, ['3', '4']);
    await page.goto(url);
    await untilSeen(page, has('open'), 'it is there again');
    await publish(stage, ['5']);
    const noted = await untilSeen(page, (all) => data(all).at(-1) === '5', 'it reads on');
    await page.close();
    await stage.subscribers(0);
    return data(noted);
  };
  assert.deepEqual(await read(60_000), ['3', '4', '5']);
  assert.deepEqual(await read(1), ['5'], 'what it kept is too old');
  assert.deepEqual(await read(0), ['5'], 'nothing is kept');
  return 'keep: 60000 goes on with 3, 4; keep: 1, and without keep, from now';
}, kSecure);

shows('the browser module: a tab that kept a place in the history of a broker that is gone is told so by the tabs that go on', async (t, stage) => {
  const [page, other] = await tabs(t, stage, 2, '?channel=tabs&keep=60000');
  await publish(stage, ['1']);
  const before = await each([page, other], has('message'), 'both read');
  const url = page.url();
  await page.goto('about:blank');
  await stage.broker.restart();
  await untilSeen(other, has('gap'), 'the other is back', 20);
  await publish(stage, ['2']);
  const [second] = of(await untilSeen(other, has('message', 2), 'it reads on'), 'message').slice(1);
  await page.goto(url);
  const noted = await untilSeen(page, has('gap'), 'it has missed something', 20);
  const [{ data: gap, lastEventId }] = of(noted, 'gap');
  assert.deepEqual(JSON.parse(gap), { reason: 'restarted', after: of(before[0], 'message')[0].lastEventId, resumed: second.lastEventId });
  assert.equal(lastEventId, second.lastEventId);
  await publish(stage, ['3']);
  const [mine, theirs] = await each([page, other], (all) => data(all).at(-1) === '3', 'both go on');
  assert.deepEqual([data(mine), data(theirs)], [['3'], ['1', '2', '3']]);
  assert.equal(of(theirs, 'gap').length, 1);
  return `one gap of its own (${gap}), then 3, like the tab that had stayed`;
}, kSecure);

shows('the browser module: a page in the back/forward cache has no connection, and catches up when it is shown again', async (t, stage) => {
  const [page, other] = await tabs(t, stage, 2);
  await publish(stage, ['1']);
  await each([page, other], has('message'), 'both read');
  await page.goto('http://app.example.com/empty');
  await publish(stage, ['2', '3']);
  await untilSeen(other, has('message', 3), 'the other tab leads');
  await stage.subscribers(1);
  await page.evaluate(() => history.back());
  await untilSeen(page, has('back'), 'it comes from the cache');
  const noted = await untilSeen(page, has('message', 3), 'it has what it missed', 20);
  assert.deepEqual(data(noted), ['1', '2', '3']);
  await publish(stage, ['4']);
  await each([page, other], has('message', 4), 'both go on');
  await stage.subscribers(1);
  return 'persisted: 1 before, 2 and 3 when it came back, nothing twice';
}, { args: kSecure.args, backForwardCache: true });

shows('the browser module: a token for each connection, also after 401', async (t, stage) => {
  const { issuer } = stage;
  const tokens = [() => 'not a token', () => issuer.token(['tabs'], { seconds: 5 }), () => issuer.token(['tabs'])];
  const handed = [];
  stage.site.on('/token', (_, response) => {
    handed.push((tokens.length > 1 ? tokens.shift() : tokens[0])());
    response.end(handed.at(-1));
  });
  const [page] = await tabs(t, stage, 1, '?token&channel=tabs');
  await publish(stage, ['1']);
  await untilSeen(page, has('error', 2), 'its token expires', 20);
  await publish(stage, ['2']);
  const noted = await untilSeen(page, has('message', 2), 'it resumes with the next', 20);
  assert.deepEqual(data(noted), ['1', '2']);
  assert.deepEqual(of(noted, 'answered').map(({ status }) => status), [401, 200, 200]);
  return 'answered 401, 200, and 200 again when the token had expired: 1 and 2, nothing lost';
}, {
  ...kSecure,
  prepare(stage) { stage.issuer = new TokenIssuer(); },
  routes(folder, stage) {
    writeFileSync(`${folder}/token.pem`, stage.issuer.keyFile);
    return `[token]\nkeys = ["${folder}/token.pem"]\nleeway = "0s"\n`;
  },
});

shows('the browser module: a finished channel ends the stream in every tab', async (t, stage) => {
  const pages = await tabs(t, stage, 3);
  await publish(stage, ['1']);
  await stage.broker.finish('tabs');
  for (const noted of await each(pages, (all) => all.at(-1).state === 2, 'it ends', 20)) assert.deepEqual(data(noted), ['1']);
  await stage.subscribers(0);
  const requests = [];
  for (const page of pages) page.on('request', (one) => requests.push(one.url()));
  await Promise.all(pages.map((page) => page.evaluate(() => dispatchEvent(new Event('online')))));
  assert.deepEqual(await Promise.all(pages.map((page) => page.evaluate(() => window.stream.readyState))), [2, 2, 2]);
  assert.deepEqual(requests, []);
  return `readyState 2 in ${pages.length} tabs, and nobody asks again`;
}, kSecure);

shows('the browser module: close() frees the stream of a tab, and the last one the slot', async (t, stage) => {
  const [first, second] = await tabs(t, stage, 2);
  const close = (page) => page.evaluate(() => window.stream.close());
  await close(first);
  await publish(stage, ['1']);
  await untilSeen(second, has('message'), 'the other tab goes on');
  await stage.subscribers(1);
  await close(second);
  await stage.subscribers(0, 1);
  assert.deepEqual(data(await seen(first)), []);

  // A tab that gives up in its error handler does not keep the lead until its next attempt would have come.
  const [leader, waiting] = await tabs(t, stage, 2);
  await stage.broker.kill();
  await untilSeen(leader, has('error', 5), 'the next attempts are many seconds apart', 40);
  await leader.evaluate(() => window.stream.addEventListener('error', () => window.stream.close()));
  await until(() => leader.evaluate(() => window.stream.readyState === 2), 'it gives up', 40);
  await stage.broker.begin();
  await untilSeen(waiting, has('open', 2), 'the other tab leads', 5);
  return 'the second tab took over from the first, at once; after its own close() no stream is open';
}, kSecure);

shows('the browser module: a tab that begins further back catches up, and the others hear nothing twice', async (t, stage) => {
  const [first] = await tabs(t, stage, 1);
  const position = await stage.broker.publish('tabs', '1');
  await publish(stage, ['2', '3']);
  await untilSeen(first, has('message', 3), 'the first reads');
  const context = first.context();
  const later = await stage.open(t, 'module', { context, query: `?channel=tabs&after=${position}` });
  await untilSeen(later, has('message', 2), 'the second has what follows its position');
  await publish(stage, ['4']);
  const [one, two] = await each([first, later], (all) => data(all).at(-1) === '4', 'both go on');
  assert.deepEqual([data(one), data(two)], [['1', '2', '3', '4'], ['2', '3', '4']]);
  await stage.subscribers(1);

  const [alone] = await tabs(t, stage, 1, '?channel=tabs&more=%26replay%3D2');
  assert.deepEqual(data(await untilSeen(alone, has('message', 2), 'a replay')), ['3', '4']);
  const joined = await stage.open(t, 'module', { context: alone.context(), query: '?channel=tabs&more=%26replay%3D2' });
  assert.deepEqual(data(await untilSeen(joined, has('message', 2), 'a replay for the tab that comes later')), ['3', '4']);
  await publish(stage, ['5']);
  const both = await each([alone, joined], (all) => data(all).at(-1) === '5', 'both go on');
  assert.deepEqual(both.map((noted) => data(noted)), [['3', '4', '5'], ['3', '4', '5']]);

  for (const text of numbers(1, 25)) await stage.broker.publish('tracking/short', text);
  const [early] = await tabs(t, stage, 1, '?channel=tabs&more=%26since%3D1h');
  const next = await stage.open(t, 'module', { context: early.context(), query: '?channel=tabs&more=%26since%3D1h' });
  for (const noted of await each([early, next], has('message', 5), 'what is younger than an hour')) assert.deepEqual(data(noted), numbers(1, 5));
  const short = await stage.open(t, 'module', { context: early.context(), query: '?channel=tracking/short&more=%26since%3D1h' });
  const [gap] = of(await untilSeen(short, has('message', 20), 'what is left'), 'gap');
  assert.equal(JSON.parse(gap.data).after, '', 'the history does not reach back an hour');
  return 'after=<id of 1>: 2, 3, 4, while the first tab read 1, 2, 3, 4; replay=2 for each newcomer: 3, 4';
}, kSecure);

shows('the browser module: whatever happens to tabs and connections, each tab has one unbroken row of events', async (t, stage) => {
  const random = seededRandom(7);
  const pages = await tabs(t, stage, 4);
  const context = pages[0].context();
  let position;
  const happen = [
    async () => stage.proxy.cut(),
    async (page) => page.evaluate(() => { dispatchEvent(new Event('online')); }), // it takes the lead
    async (page) => { await page.reload(); },
    async () => { pages.push(await stage.open(t, 'module', { context, query: `?channel=tabs&after=${position ?? ''}` })); },
    async (page) => {
      if (pages.length === 2) return;
      pages.splice(pages.indexOf(page), 1);
      await page.close();
    },
  ];
  const count = 400;
  for (let i = 1; i <= count; ++i) {
    const id = await stage.broker.publish('tabs', `${i}`);
    if (i % 7 === 0) position = id; // some tabs begin further back than others are
    if (i % 10 === 0) await random.pick(happen)(random.pick(pages.slice(1))); // the first tab only stays
  }
  await each(pages, has('open'), 'all are connected', 20);
  await publish(stage, ['last']);
  const rows = await each(pages, (all) => data(all).at(-1) === 'last', 'all have the last event', 20);
  for (const noted of rows) {
    const row = data(noted).slice(0, -1);
    assert.deepEqual(row, numbers(+(row[0] ?? count + 1), count));
    assert.deepEqual(of(noted, 'gap'), []);
  }
  assert.equal(data(rows[0]).length, count + 1);
  await stage.subscribers(1, 20);
  return `${count} events through ${stage.proxy.cuts} cuts, tabs that closed, came and took over; ${rows.map((noted) => data(noted).length).join(', ')} events in the tabs that are left, none missing, none twice`;
}, kSecure);

shows('the browser module: pages over plain http have no locks, and each a connection of its own', async (t, stage) => {
  const pages = await tabs(t, stage, 2);
  assert.equal((await seen(pages[0]))[0].secure, false);
  await stage.subscribers(2);
  await publish(stage, ['1']);
  await each(pages, has('message'), 'both read');
  stage.proxy.cut();
  await publish(stage, ['2']);
  for (const noted of await each(pages, has('message', 2), 'both resume', 20)) assert.deepEqual(data(noted), ['1', '2']);

  // Where locks are there and refused (a sandboxed frame) it is the same.
  const [sandboxed] = await tabs(t, stage, 1, '?channel=tabs&lockless');
  await stage.subscribers(3);
  await publish(stage, ['3']);
  assert.deepEqual(data(await untilSeen(sandboxed, has('message'), 'it reads')), ['3']);
  return 'two tabs, two streams, resumed after a cut; and one where locks are refused';
});

shows('the browser module reads what an EventSource reads', async (t, stage) => {
  const [page] = await tabs(t, stage, 1);
  const [pieces] = await tabs(t, stage, 1, '?channel=tabs&pieces');
  const texts = ['', ' ', '  two', 'a\nb', '\n', '\n\n', 'id: 7\nretry: 5\n\nevent: x', 'data: y', ': z', 'a\u2028retry: 1\u2029b',
    '{"a": [1, 2]}', '春眠不觉晓', '😀 e\u0301', 'x'.repeat(60_000)];
  await page.evaluate(() => {
    window.plain = [];
    const source = new EventSource('http://push.example.com/events?channel=tabs&channel=other');
    for (const type of ['message', 'tick']) source.addEventListener(type, (event) => window.plain.push([type, event.data, event.lastEventId]));
    return new Promise((resolve) => { source.onopen = resolve; });
  });
  for (const text of texts) {
    await stage.broker.publish('tabs', text);
    await stage.broker.publish('tabs', text, { event: 'tick' });
    if (text.length % 2) continue;
    await until(() => stage.proxy.pairs.size > 0, 'it is connected');
    stage.proxy.cut();
  }
  const [noted, cut] = await each([page, pieces], (all) => of(all, 'message').length + of(all, 'tick').length >= 2 * texts.length, 'all arrive', 60);
  const plain = await until(() => page.evaluate((count) => window.plain.length === count && window.plain, 2 * texts.length), 'and in the EventSource');
  const [mine, whole] = [noted, cut].map((all) => all.filter(({ what }) => ['message', 'tick'].includes(what))
    .map(({ what, data: text, lastEventId }) => [what, text, lastEventId]));
  assert.deepEqual(mine, plain);
  assert.deepEqual(whole, plain, 'byte by byte');
  assert.deepEqual(mine.filter(([type]) => type === 'tick').map(([, text]) => text), texts);
  const { headers } = await request(`${stage.broker.url}/fanfare.js`);
  return `${mine.length} events of all shapes through ${stage.proxy.cuts} cuts, and byte by byte: the same ids, types and data; the module has ${headers['content-length']} bytes`;
}, kSecure);
