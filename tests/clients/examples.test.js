// The applications of docs/examples, each behind the broker, as its own platform runs it: what changes is published
// once, strangers are refused, and the state that it hands out fits to the stream.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { request } from '../e2e/harness/broker.js';
import { run, start } from '../e2e/harness/command.js';
import { temporaryFolder } from '../e2e/harness/folder.js';
import { freePort } from '../e2e/harness/free_port.js';
import { Subscriber } from '../e2e/harness/subscriber.js';
import { until } from '../e2e/harness/wait.js';
import { shoot, shows } from './harness/stage.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const kExamples = here('../../docs/examples');
const json = ({ status, body }) => { assert.equal(status, 200, body); return JSON.parse(body); };

async function behaves(t, stage) {
  const { broker, application } = stage;
  const put = (order, number = '7') => request(`${application}/orders/${number}`,
    { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(order) });
  const listen = (more = '') => {
    const made = new Subscriber(broker.url, more, { path: '/orders/stream', headers: { Cookie: 'session=ann' } });
    t.after(() => made.close());
    return made.opened();
  };
  const stranger = await request(`${broker.url}/orders/stream`, { headers: { Accept: 'text/event-stream' } });
  assert.equal(stranger.status, 401);
  assert.match(stranger.body, /sign in first/);

  const listening = await listen();
  const order = { version: 1, text: '两 crêpes 😀' };
  const first = json(await put(order)).id;
  assert.equal(json(await put(order)).id, first, 'the same version is published once');
  const before = json(await request(`${application}/orders`));
  const second = json(await put({ ...order, version: 2 })).id;
  json(await put({ version: 1 }, '8'));
  const events = await listening.count(3);
  const shown = events.map(({ type, id, data }) => [type, id, JSON.parse(data).number, JSON.parse(data).version, JSON.parse(data).text]);
  assert.deepEqual(shown.slice(0, 2), [['changed', first, '7', 1, order.text], ['changed', second, '7', 2, order.text]]);
  assert.deepEqual(shown[2].slice(2), ['8', 1, undefined]);

  // The order is that of all channels, the broker's own among them: the position may be a little later.
  const [at, one, two] = [before.position, first, second].map((id) => +id.split('-')[1]);
  assert.ok(at >= one && at < two, `${before.position} after ${first}, before ${second}`);
  assert.deepEqual(before.orders.map(({ number, version }) => [number, version]), [['7', 1]]);
  const page = await listen(`last_event_id=${before.position}`);
  assert.deepEqual((await page.count(2)).map(({ id }) => id), events.slice(1).map(({ id }) => id));

  await broker.restart();
  const { id } = json(await put({ version: 3 }));
  await until(() => page.lastId === id, 'its next change arrives after a restart of the broker', 20);
  return `a stranger ${stranger.status}; "changed" 7 and 8 once each (${events[0].data}); the state at ${before.position}, and from there what came later; a killed broker needs no word`;
}

// As it stands in docs/examples/broker.toml.
function routeTo(_, { port }) {
  const [route] = /^\[\[route\]\]\n(?:\w.*\n)+/m.exec(readFileSync(join(kExamples, 'broker.toml'), 'utf8'));
  return route.replace('127.0.0.1:3000', `127.0.0.1:${port}`);
}

// Runs `command(stage)`: what start() takes, and what the program says when it listens.
function example(name, command, ready) {
  shows(name, async (t, stage) => {
    const [program, args, options = {}] = await command(stage);
    const environment = { FANFARE_SOCKET: stage.broker.socket, PORT: `${stage.port}`, FOLDER: stage.folder };
    const running = start(program, args, { ...options, env: { ...environment, ...options.env } });
    t.after(() => running.child.kill('SIGKILL'));
    stage.application = `http://127.0.0.1:${stage.port}`;
    await until(() => {
      if (!running.running) throw Object.assign(new Error(running.stderr), { final: true });
      return ready ? ready.test(running.stdout + running.stderr) : request(`${stage.application}/`);
    }, () => `it listens: ${running.stdout} ${running.stderr}`, 60);
    return behaves(t, stage);
  }, {
    browserless: true,
    async prepare(stage) { stage.port = await freePort(); },
    routes: routeTo,
  });
}

// A copy of an example with what npm, or a compiler, puts beside it.
function copy(name) {
  const folder = temporaryFolder();
  cpSync(join(kExamples, name), folder, { recursive: true });
  return folder;
}

example('Express', () => {
  const cwd = copy('express');
  symlinkSync(here('node_modules'), join(cwd, 'node_modules'));
  return [process.execPath, ['app.js'], { cwd }];
}, /http:/);

example('FastAPI', ({ port }) => ['/usr/bin/python3', ['-m', 'uvicorn', '--port', `${port}`, 'app:app'],
  { cwd: join(kExamples, 'fastapi'), env: { PYTHONDONTWRITEBYTECODE: '1' } }], /running on/);

example('Go', async () => {
  const cwd = copy('go');
  const { code, stderr } = await run('go', ['build', '-o', 'orders', '.'],
    { cwd, env: { GOFLAGS: '-mod=mod', GOPROXY: 'off', GOCACHE: join(cwd, 'cache') }, seconds: 300 });
  assert.equal(code, 0, stderr);
  return [join(cwd, 'orders'), []];
});

example('Laravel', ({ port }) => ['php', ['-S', `127.0.0.1:${port}`, here('apps/laravel/index.php')]]);

const kJars = ['beans', 'context', 'core', 'expression', 'web', 'web.servlet', 'aop'].map((part) => `spring3-${part}`).concat(
  ['http', 'io', 'security', 'server', 'servlet', 'util', 'util-ajax'].map((part) => `jetty9-${part}`),
  ['annotations', 'core', 'databind'].map((part) => `jackson-${part}`), 'servlet-api', 'commons-logging')
  .map((jar) => `/usr/share/java/${jar}.jar`);

example('Spring', async () => {
  const folder = copy('spring');
  const classpath = [folder, ...kJars].join(':');
  const { code, stderr } = await run('javac', ['-cp', classpath, '-d', folder, join(folder, 'Broker.java'), join(folder, 'Orders.java'),
    here('apps/spring/Main.java')], { seconds: 300 });
  assert.equal(code, 0, stderr);
  return ['java', ['-cp', classpath, 'orders.Main']];
}, /^http:/m);

shows('the page of the examples: the state, and what changes, through a cut and a killed broker', async (t, stage) => {
  const cwd = copy('express');
  symlinkSync(here('node_modules'), join(cwd, 'node_modules'));
  const running = start(process.execPath, ['app.js'], { cwd, env: { FANFARE_SOCKET: stage.broker.socket, PORT: `${stage.port}` } });
  t.after(() => running.child.kill('SIGKILL'));
  await until(() => /http:/.test(running.stdout), () => `it listens: ${running.stderr}`, 60);
  stage.site.passes['/orders'] = stage.port;
  stage.site.on('/page', (_, response) => response.setHeader('Content-Type', 'text/html').end(readFileSync(join(kExamples, 'page.html'))));
  const put = async (number, version) => json(await request(`http://127.0.0.1:${stage.port}/orders/${number}`,
    { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ version, text: '可颂' }) }));
  const context = await stage.browser.newContext();
  t.after(() => context.close());
  await context.addCookies([{ name: 'session', value: 'ann', url: 'http://app.example.com/' }]);
  await put(7, 1);
  const page = await stage.open(t, 'page', { context });
  const lists = (...lines) => until(async () => `${await page.$$eval('li', (all) => all.map((one) => one.textContent))}` === `${lines}`, `${lines}`, 20);
  await lists('7: 可颂 (version 1)');
  await stage.subscribers(1);
  await put(7, 2);
  await put(8, 1);
  await lists('7: 可颂 (version 2)', '8: 可颂 (version 1)');
  stage.proxy.hold();
  stage.proxy.cut();
  await put(7, 3);
  stage.proxy.release();
  await lists('7: 可颂 (version 3)', '8: 可颂 (version 1)');
  await stage.broker.kill();
  assert.equal((await request(`http://127.0.0.1:${stage.port}/orders/8`, { method: 'PUT', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ version: 2, text: '可颂' }) })).status, 503, 'it is saved, and could not be published');
  await stage.broker.begin();
  await lists('7: 可颂 (version 3)', '8: 可颂 (version 2)');
  await shoot(page, 'orders');
  assert.deepEqual(page.problems, []);
  return `${await page.$$eval('li', (all) => all.map((one) => one.textContent).join('; '))}: one change came after a cut, and one was never published, and found by the gap`;
}, {
  passes: ['/orders/stream'],
  async prepare(stage) { stage.port = await freePort(); },
  routes: routeTo,
});
