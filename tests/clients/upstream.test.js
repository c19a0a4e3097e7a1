// The systems whose application is asked first: it sees the request (token, body, parameters), picks a channel for
// it, and publishes there.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import OpenAI from 'openai';

import { until } from '../e2e/harness/wait.js';
import { asked } from './apps/asked.js';
import { shows, untilSeen } from './harness/stage.js';

const of = (noted, what) => noted.filter((one) => one.what === what);
const has = (what, count = 1) => (noted) => of(noted, what).length >= count;
const kToken = 'Bearer secret-of-this-user';

// The routes that ask the application, in place of those of broker.toml.
const kAsked = {
  passes: ['/ai/chat'],
  routes: (folder) => ['/ai/chat', '/v1/chat/completions', '/sse'].map((path) =>
    `[[route]]\npath = "${path}"\nupstream = "unix:${folder}/app.sock"\nask = "newcomers"\n`).join('\n'),
};

// `answer(question)` as in apps/asked.js. Resolves with the questions it got, and a way to end the application.
async function application(t, stage, answer) {
  const questions = [];
  const app = asked({
    socket: stage.broker.socket, users: { [kToken]: 'me' },
    async *answer(question) {
      questions.push(question);
      yield* answer(question);
    },
  });
  const server = app.listen(join(stage.folder, 'app.sock'));
  await new Promise((resolve) => server.once('listening', resolve));
  const end = () => { server.close(); server.closeAllConnections(); };
  t.after(() => { app.emit('close'); end(); });
  return { questions, end };
}

shows('5. fetch-event-source, and an application that is asked: a channel for each question, which outlives a cut', async (t, stage) => {
  let release;
  const half = new Promise((resolve) => { release = resolve; });
  const { questions, end } = await application(t, stage, async function* answer() {
    yield* ['春', '眠'];
    await half;
    yield* ['不', '觉晓'];
  });
  const page = await stage.open(t, 'chat');
  await page.click('#ask');
  await untilSeen(page, has('message', 2), 'half of the answer');
  end(); // its listener is gone: it cannot be asked again
  stage.proxy.cut();
  await untilSeen(page, has('open', 2), 'it resumes although there is nobody to ask', 20);
  release();
  const noted = await untilSeen(page, has('resolved'), 'the answer is complete', 20);
  assert.equal(await page.textContent('output'), '春眠不觉晓');
  assert.deepEqual(noted.map(({ what }) => what).filter((what) => what !== 'message'), ['open', 'error', 'open', 'done', 'close', 'resolved']);
  assert.deepEqual(questions, ['你好']);
  return `"${await page.textContent('output')}", cut in the midst while the application could not be asked; generated once`;
}, kAsked);

shows('5. an application that is asked says who may: its refusal reaches the page', async (t, stage) => {
  await application(t, stage, () => []);
  const page = await stage.open(t, 'empty');
  const refused = await page.evaluate(async () => {
    const answer = await fetch('/ai/chat', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
    return [answer.status, await answer.text()];
  });
  assert.deepEqual(refused, [401, 'Unauthorized']);
  await stage.subscribers(0);
  return `${refused.join(' ')}, and no stream`;
}, kAsked);

shows("10. OpenAI's own client, with the broker as its server", async (t, stage) => {
  const pieces = ['The', ' sky', '\n', 'is ', '蓝', '色', ' 😀', '.'];
  const { questions } = await application(t, stage, () => pieces);
  const client = new OpenAI({ apiKey: 'secret-of-this-user', baseURL: `${stage.broker.url}/v1`, maxRetries: 0 });
  const read = [];
  for await (const { choices: [choice] } of await client.chat.completions.create({
    model: 'blue', stream: true, messages: [{ role: 'user', content: 'Why?' }],
  })) if (choice.delta.content) read.push(choice.delta.content);
  assert.deepEqual([read, questions], [pieces, ['Why?']]);
  await stage.subscribers(0);
  return `${read.length} pieces, ${JSON.stringify(read.join(''))}, from baseURL = the broker`;
}, { ...kAsked, browserless: true });

shows('9. the page with buttons, and an application that is asked: each connection has an answer of its own', async (t, stage) => {
  await application(t, stage, () => []);
  const page = await stage.open(t, 'demo');
  const lines = async () => (await page.innerText('#message')).split('\n').filter(Boolean);
  await page.click('text=建立');
  await until(async () => (await lines()).length === 2, 'it connects, and is answered');
  await page.click('text=建立');
  await until(async () => (await lines()).length === 4, 'so is the second connection');
  const all = await lines();
  assert.deepEqual(all.map((line) => line.replace(/\d{4}-\S+/, 'TIME')), [0, 1].flatMap(() => ['connected: 1', '1 | TIME | {"content":"xxx"}']));
  await page.click('text=断开');
  await stage.subscribers(1);
  return `${all[1]} on one connection, ${all[3]} on the other, and neither on both`;
}, kAsked);
