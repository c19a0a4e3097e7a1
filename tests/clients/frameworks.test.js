// What turns events into pages without a line of JavaScript, and the SDKs that read an answer's tokens: each as
// its own documentation uses it.
import assert from 'node:assert/strict';

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { streamText } from 'ai';
import express from 'express';

import { until } from '../e2e/harness/wait.js';
import { completions } from './apps/completions.js';
import { shoot, shows, untilSeen } from './harness/stage.js';

// ---- htmx and Datastar: `list(text)` and `price(text)` are the events that add to the list and set the price.

const kHtmx = {
  list: (text) => [`<li>${text}</li>`],
  price: (text) => [text, { event: 'price' }],
};
const kDatastar = {
  list: (text) => [`selector #list\nmergeMode append\nfragments <li>${text}</li>`, { event: 'datastar-merge-fragments' }],
  price: (text) => [`signals {price: '${text}'}`, { event: 'datastar-merge-signals' }],
};

const kHeartbeat = '2\r\n:\n\r\n'; // a chunk

// Resolves with the page and what was seen on it.
async function paint(t, stage, name, { list, price }) {
  const { broker, proxy } = stage;
  proxy.keepText();
  const page = await stage.open(t, name);
  const publish = ([data, how]) => broker.publish('html', data, how);
  const shown = async () => [await page.innerText('b'), await page.$$eval('li', (all) => all.map((one) => one.textContent))];
  const shows_ = (...expected) => until(async () => JSON.stringify(await shown()) === JSON.stringify(expected),
    `the page shows ${JSON.stringify(expected)}`, 20);
  await stage.subscribers(1);
  // Bytes that a browser has received and not yet passed on are lost with the connection; by now it has its position.
  await until(async () => proxy.passed.split(kHeartbeat).length > 2, 'two heartbeats have come', 20);
  proxy.hold();
  proxy.cut();
  await publish(list('before there was an event'));
  proxy.release();
  await shows_('', ['before there was an event']);
  await publish(price('1 €'));
  await publish(list('one'));
  await shows_('1 €', ['before there was an event', 'one']);
  proxy.hold();
  proxy.cut();
  await publish(list('missed'));
  await publish(price('2 €'));
  proxy.release();
  await shows_('2 €', ['before there was an event', 'one', 'missed']);
  await shoot(page, name);
  assert.deepEqual(page.problems, []);
  return page;
}

const kPainted = { passes: ['/events'], set: ['delivery.end_event=end', 'delivery.heartbeat=1s'] };

for (const [name, page] of [['htmx 2 with htmx-ext-sse', 'htmx-2'], ['htmx 4 with hx-sse', 'htmx-4']]) {
  shows(name, async (t, stage) => {
    const opened = await paint(t, stage, page, kHtmx);
    await stage.broker.finish('html');
    assert.deepEqual(await untilSeen(opened, ([one]) => one, 'it closes'), [{ what: 'closed', by: 'message' }]);
    await stage.subscribers(0);
    return 'swapped what came, resumed after a cut before the first event and after a later one; the end event closed it';
  }, kPainted);
}

shows('Datastar', async (t, stage) => {
  const page = await paint(t, stage, 'datastar', kDatastar);
  assert.match(stage.site.passed[0].url, /&datastar=/, 'its signals are a parameter of its own');
  await stage.broker.finish('html');
  assert.deepEqual(await untilSeen(page, ([one]) => one, 'it ends'), [{ what: 'finished' }]);
  await stage.subscribers(0);
  return 'merged fragments and signals, resumed after a cut before the first event and after a later one; a finished channel ended it';
}, kPainted);

// ---- SDKs

const kPieces = ['The', ' sky', '\n', 'is ', '蓝', '色', ' 😀', '.'];

async function serve(t, app) {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => { app.emit('close'); server.close(); });
  return `http://127.0.0.1:${server.address().port}`;
}

shows('the AI SDK (ai, @ai-sdk/openai-compatible)', async (t, stage) => {
  const app = completions({ socket: stage.broker.socket, streams: stage.broker.url, async *generate() { yield* kPieces; } });
  const provider = createOpenAICompatible({ name: 'own', apiKey: 'of-this-user', baseURL: `${await serve(t, app)}/v1` });
  const problems = [];
  const { textStream } = streamText({ model: provider('blue'), prompt: 'Why is the sky blue?', maxRetries: 0, onError: ({ error }) => problems.push(error) });
  const pieces = [];
  for await (const piece of textStream) pieces.push(piece);
  assert.deepEqual([pieces, problems], [kPieces, []]);
  await stage.subscribers(0);
  return `${pieces.length} pieces, ${JSON.stringify(pieces.join(''))}`;
}, { browserless: true });

shows("Anthropic's SDK: events with names, and an end", async (t, stage) => {
  const { broker } = stage;
  const app = express();
  app.post('/v1/messages', async (_request, response) => {
    response.redirect(307, `${broker.url}/events?channel=answers/1&last_event_id=earliest&heartbeat=1`);
    const say = (type, more) => broker.publish('answers/1', JSON.stringify({ type, ...more }), { event: type });
    await say('message_start', { message: { id: 'm', type: 'message', role: 'assistant', content: [], model: 'blue', usage: { input_tokens: 1, output_tokens: 1 } } });
    await say('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
    await say('ping', {});
    await until(async () => (await broker.metric('heartbeats_total')) > 0, 'a heartbeat in the midst of the answer');
    for (const text of kPieces) await say('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
    await say('content_block_stop', { index: 0 });
    await say('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 8 } });
    await say('message_stop', {});
    await broker.finish('answers/1');
  });
  const client = new Anthropic({ apiKey: 'of-this-user', baseURL: await serve(t, app), maxRetries: 0 });
  const pieces = [];
  const answer = client.messages.stream({ model: 'blue', max_tokens: 100, messages: [{ role: 'user', content: 'Why?' }] });
  answer.on('text', (text) => pieces.push(text));
  const { content: [{ text }], stop_reason: reason } = await answer.finalMessage();
  assert.deepEqual([pieces, text, reason], [kPieces, kPieces.join(''), 'end_turn']);
  return `${pieces.length} pieces, ${JSON.stringify(text)}, ${reason}, through a ping and a heartbeat`;
}, { browserless: true });
