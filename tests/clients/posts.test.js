// The systems that ask with POST: chats and typewriters in pages, token streams with OpenAI's client. Their
// bodies are their own; the broker looks in them for nothing but what it knows.
import assert from 'node:assert/strict';

import OpenAI from 'openai';

import { request } from '../e2e/harness/broker.js';
import { Subscriber } from '../e2e/harness/subscriber.js';
import { until } from '../e2e/harness/wait.js';
import { chat } from './apps/chat.js';
import { completions } from './apps/completions.js';
import { handOver } from './harness/hand_over.js';
import { shoot, shows, untilSeen } from './harness/stage.js';

const of = (noted, what) => noted.filter((one) => one.what === what);
const has = (what, count = 1) => (noted) => of(noted, what).length >= count;
const kChat = { passes: ['/ai/chat'] };

async function ask(t, stage, query) {
  const page = await stage.open(t, 'chat', { query });
  await page.click('#ask');
  await untilSeen(page, has('open'), 'it opens');
  return page;
}
const publish = (stage, text) => stage.broker.publish('chat', JSON.stringify({ text }));

shows('5. fetch-event-source by POST: silence, a cut connection, and a named completion', async (t, stage) => {
  const { broker, site, proxy } = stage;
  const page = await ask(t, stage);
  await until(async () => (await broker.metric('heartbeats_total')) >= 2, 'a silence with heartbeats');
  await publish(stage, '你');
  await untilSeen(page, has('message'), 'the first token');
  proxy.hold();
  proxy.cut();
  await publish(stage, '好');
  proxy.release();
  await untilSeen(page, has('message', 2), 'what was missed', 20);
  await publish(stage, ' 😀');
  await broker.publish('chat', '{}', { event: 'done' });
  await broker.finish('chat');
  const noted = await untilSeen(page, has('resolved'), 'the promise resolves');
  assert.equal(await page.textContent('output'), '你好 😀');
  assert.deepEqual(noted.map(({ what }) => what),
    ['open', 'message', 'error', 'open', 'message', 'message', 'done', 'close', 'resolved'], 'nothing unreadable in between');
  assert.deepEqual(site.passed.map(({ method, headers }) => [method, headers.authorization, 'last-event-id' in headers]),
    [['POST', 'Bearer secret-of-this-user', false], ['POST', 'Bearer secret-of-this-user', true]]);
  await shoot(page, 'chat');
  return `"${await page.textContent('output')}", ${of(noted, 'unreadable').length} unreadable messages through ${await broker.metric('heartbeats_total')} heartbeats and a cut; after "done" it resolved`;
}, kChat);

shows('5. fetch-event-source: the button that aborts frees the slot, and nothing is asked again', async (t, stage) => {
  const page = await ask(t, stage);
  await stage.subscribers(1);
  await page.click('#stop');
  await stage.subscribers(0, 1);
  const noted = await untilSeen(page, has('resolved'), 'the promise resolves');
  assert.deepEqual(noted.map(({ what }) => what), ['open', 'resolved']);
  assert.equal(stage.site.passed.length, 1);
  return 'the slot was free within a second, the promise resolved, one request in all';
}, kChat);

shows('5. fetch-event-source: a broker that is killed is a gap, not silence', async (t, stage) => {
  const page = await ask(t, stage);
  await publish(stage, 'before');
  await untilSeen(page, has('message'), 'the first arrives');
  await stage.broker.kill();
  await untilSeen(page, has('error'), 'an error, not an end');
  await stage.broker.begin();
  await untilSeen(page, has('gap'), 'the gap', 20);
  await publish(stage, ' after');
  const noted = await untilSeen(page, has('message', 2), 'it goes on');
  assert.equal(of(noted, 'gap')[0].reason, 'restarted');
  return `${of(noted, 'error').length} errors, then a gap (${of(noted, 'gap')[0].reason}), then "after"`;
}, kChat);

shows('5. fetch-event-source: to abort in onerror does not stop it, to throw there does', async (t, stage) => {
  const { site, proxy } = stage;
  const aborts = await ask(t, stage, '?abort');
  const count = () => site.passed.length;
  proxy.cut();
  await untilSeen(aborts, has('resolved'), 'the promise resolves');
  await untilSeen(aborts, has('open', 2), 'and yet a second stream is opened');
  proxy.cut();
  await untilSeen(aborts, has('open', 3), 'and a third', 20);
  await publish(stage, 'for nobody');
  const noted = await untilSeen(aborts, has('message'), 'and what is published arrives');
  await aborts.close();
  await stage.subscribers(0);

  const throws = await ask(t, stage, '?throw');
  const before = count();
  proxy.cut();
  const rejected = await untilSeen(throws, has('rejected'), 'the promise is rejected');
  await stage.subscribers(0);
  assert.equal(count(), before, 'nothing is asked again');
  return `after abort() in onerror ${of(noted, 'open').length - 1} more streams; after throw none (${of(rejected, 'rejected')[0].error})`;
}, kChat);

shows('5. fetch-event-source behind nginx: the application hands each question over to a channel of its own', async (t, stage) => {
  const asked = [];
  let release;
  const half = new Promise((resolve) => { release = resolve; });
  const app = chat({
    socket: stage.broker.socket, users: { 'Bearer secret-of-this-user': 'me' },
    async *answer(message, channel) {
      asked.push([message, channel]);
      yield* ['春', '眠'];
      await half;
      yield* ['不', '觉晓'];
    },
  });
  const port = await handOver(t, { application: await listening(t, app), broker: stage.proxy.port });
  stage.site.passes['/ai/chat'] = port;
  const page = await ask(t, stage);
  await untilSeen(page, has('message', 2), 'half of the answer');
  stage.proxy.cut();
  await untilSeen(page, has('error'), 'the cut is seen');
  release();
  const noted = await untilSeen(page, has('resolved'), 'the answer is complete', 20);
  assert.equal(await page.textContent('output'), '春眠不觉晓');
  assert.deepEqual(noted.map(({ what }) => what).filter((what) => what !== 'message'), ['open', 'error', 'open', 'done', 'close', 'resolved']);
  assert.equal(asked.length, 1, 'generated once');
  const refused = await fetch(`http://127.0.0.1:${port}/ai/chat`, { method: 'POST' });
  assert.equal(refused.status, 401, 'the application says who may');
  return `"${await page.textContent('output')}" on ${asked[0][1].replace(/-.*/, '-…')}, cut in the midst, ${stage.site.passed.length} requests, generated once; without a token 401`;
});

const kText = '你好 undefined 😀 e\u0301\n: not a comment\n\ndata: neither\nend';

shows('8. fetch, TextDecoderStream and a reader: the text and its end, and nothing else', async (t, stage) => {
  const { broker } = stage;
  const page = await stage.open(t, 'reader');
  await page.click('#ask');
  const [answer] = await untilSeen(page, has('answer'), 'the head of the answer');
  assert.deepEqual(answer, { what: 'answer', status: 200, type: 'text/plain; charset=utf-8' });
  for (const character of kText) await broker.publish('gpt', character);
  await broker.finish('gpt');
  await untilSeen(page, has('end'), 'the reader is done');
  assert.equal(await page.textContent('output'), kText);
  await shoot(page, 'reader');
  return `${answer.type}: ${JSON.stringify(kText)}, then done`;
});

shows('8. fetch and a reader: cancel() frees the slot', async (t, stage) => {
  const page = await stage.open(t, 'reader');
  await page.click('#ask');
  await untilSeen(page, has('answer'), 'the head of the answer');
  await stage.subscribers(1);
  await page.click('#stop');
  await stage.subscribers(0, 1);
  return 'the slot was free within a second';
});

const kMessages = [{ role: 'user', content: 'Why is the sky blue?' }];
const kPieces = ['The', ' sky', '\n', 'is ', '蓝', '色', ' 😀', '.'];

const listening = (t, app) => new Promise((resolve) => {
  const server = app.listen(0, '127.0.0.1', () => resolve(server.address().port));
  t.after(() => { app.emit('close'); server.close(); });
});

// The service, and OpenAI's client that knows only its address. `pause()` comes before each piece.
async function service(t, stage, pause = () => {}) {
  const asked = [];
  const app = completions({
    socket: stage.broker.socket, streams: stage.proxy.url,
    async *generate(messages) {
      asked.push(messages);
      for (const piece of kPieces) {
        await pause(piece);
        yield piece;
      }
    },
  });
  const baseURL = `http://127.0.0.1:${await listening(t, app)}/v1`;
  return { asked, client: new OpenAI({ apiKey: 'of-this-user', baseURL, maxRetries: 0 }) };
}

shows("10. a token stream with [DONE], read by OpenAI's own client", async (t, stage) => {
  const { asked, client } = await service(t, stage);
  const stream = await client.chat.completions.create({ model: 'blue', messages: kMessages, stream: true });
  const pieces = [];
  let reason;
  for await (const { choices: [choice] } of stream) {
    if (choice.delta.content) pieces.push(choice.delta.content);
    reason = choice.finish_reason;
  }
  assert.deepEqual([pieces, reason], [kPieces, 'stop']);
  assert.deepEqual(asked, [kMessages]);
  await stage.subscribers(0);
  return `${pieces.length} pieces, ${JSON.stringify(pieces.join(''))}, finish_reason ${reason}, ended by [DONE]`;
});

shows('10. a token stream that is cut in mid-answer: a client that resumes has it whole, and it is generated once', async (t, stage) => {
  const { broker, proxy } = stage;
  let release;
  const half = new Promise((resolve) => { release = resolve; });
  const { asked, client } = await service(t, stage, (piece) => (piece === '蓝' ? half : undefined));
  const stream = await client.chat.completions.create({ model: 'blue', messages: kMessages, stream: true });
  const [{ channel }] = await until(async () => {
    const all = JSON.parse((await request('http://x/channels?match=answers/*', { socketPath: broker.socket })).body).channels;
    return all.length === 1 && all;
  }, 'the channel of the answer');
  const resuming = new Subscriber(proxy.url, `channel=${channel}&last_event_id=earliest`);
  t.after(() => resuming.close());
  await resuming.count(4);
  const pieces = [];
  const reading = (async () => {
    for await (const { choices: [choice] } of stream) pieces.push(choice.delta.content);
  })();
  await until(() => pieces.length === 4, 'half of the answer');
  proxy.cut();
  await assert.rejects(reading, "OpenAI's client does not resume: it throws");
  release();
  await until(() => resuming.finished, 'the answer is complete', 20);
  const resumed = resuming.data.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data).choices[0].delta.content ?? '');
  assert.equal(resumed.join(''), kPieces.join(''));
  assert.equal(resuming.data.at(-1), '[DONE]');
  assert.equal(asked.length, 1);
  return `the client threw after ${pieces.length} pieces; the one that resumes has ${JSON.stringify(resumed.join(''))} and [DONE], generated once`;
});
