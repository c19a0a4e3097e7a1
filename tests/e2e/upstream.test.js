// Routes that ask an application: a real node server behind the broker, over a Unix socket and over
// TCP, with real clients in front: fetch, curl, an EventSource, nginx.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Application } from './harness/application.js';
import { Broker, request } from './harness/broker.js';
import { fanfare, start } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { Subscriber } from './harness/subscriber.js';
import { kHttp2, kScheme } from './harness/transport.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const kLarge = 'large '.repeat(50_000);
let generations = 0;

const answers = {
  '/chat': ({ headers }, answer) => {
    const user = /user=(\w+)/.exec(headers.cookie ?? '')?.[1];
    if (!user) { answer.writeHead(403, { 'Content-Type': 'text/plain' }).end('log in first\n'); return; }
    answer.writeHead(200, {
      'Fanfare-Channels': `room/7, user/${user}`, 'Fanfare-Heartbeat': '2s', 'Set-Cookie': ['seen=1', 'more=2'],
    }).end();
  },
  '/old': (_, answer) => answer.writeHead(302, { Location: '/chat' }).end(),
  '/large': (_, answer) => answer.writeHead(200, { 'Content-Type': 'text/html' }).end(kLarge),
  '/ai': ({ body }, answer) => {
    const { prompt } = JSON.parse(body);
    generations += 1;
    answer.writeHead(200, { 'Fanfare-Channels': `gen/${prompt}` }).end();
  },
  '/accel': ({ body }, answer) => {
    answer.writeHead(200, { 'X-Accel-Redirect': `/_sse/${JSON.parse(body).prompt}` }).end();
  },
};

let application;
let broker;

before(async () => {
  application = await Application.start(answers, { path: join(folder, 'app.sock') });
  const route = (path, more = '') => `[[route]]\npath = "${path}"\nupstream = "${application.upstream}"\n${more}`;
  const config = join(folder, 'broker.toml');
  writeFileSync(config, `${route('/chat')}${route('/old')}${route('/large')}${route('/gone')}` +
    route('/ai', 'ask = "newcomers"\n'));
  broker = await Broker.start({
    config, set: ['server.shards=2', 'delivery.retry=200ms', 'limits.upstream_time=2s'],
  });
});
after(async () => {
  await broker?.stop();
  await application?.stop();
});

const stream = (path, headers, query = '') => new Subscriber(broker.url, query, { path, headers });

test('the application lets a client in, with its cookies, on the channels that it names', async () => {
  const client = await stream('/chat', { Cookie: 'user=ann' }, 'theme=dark').opened();
  const { headers } = client.connections[0];
  assert.deepEqual(headers['set-cookie'], ['seen=1', 'more=2']);
  assert.match(headers['content-type'], /^text\/event-stream/);
  const asked = application.asked.at(-1);
  assert.equal(asked.url, '/chat?theme=dark');
  assert.equal(asked.headers.host, `127.0.0.1:${broker.httpPort}`);
  assert.equal(asked.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(asked.headers.via, `${kHttp2 ? '2.0' : '1.1'} fanfare`);
  assert.equal(asked.headers['x-forwarded-proto'], kScheme);
  assert.ok(asked.headers['fanfare-connection']);
  await broker.publish('room/7', 'to all');
  await broker.publish('user/ann', 'to her');
  await broker.publish('user/bob', 'to him');
  await broker.publish('room/7', 'last');
  await client.count(3);
  assert.deepEqual(client.data, ['to all', 'to her', 'last']);
  client.close();
});

test('any other answer is passed on: a refusal, a redirect, a large page, a page that is not there', async () => {
  const refused = await request(`${broker.url}/chat`);
  assert.equal(refused.status, 403);
  assert.equal(refused.body, 'log in first\n');
  const redirect = await request(`${broker.url}/old`);
  assert.equal(redirect.status, 302);
  assert.equal(redirect.headers.location, '/chat');
  const large = await request(`${broker.url}/large`);
  assert.equal(large.headers['content-type'], 'text/html');
  assert.ok(large.body === kLarge, `${large.body.length} bytes`);
  assert.equal((await request(`${broker.url}/gone`)).status, 404);
});

test('streams live on while their application restarts, and newcomers come back', async () => {
  const old = await stream('/chat', { Cookie: 'user=ann' }).opened();
  await application.stop();
  const newcomer = stream('/chat', { Cookie: 'user=bob' });
  await until(() => newcomer.connections.length >= 3, 'the newcomer tries again and again');
  assert.ok(newcomer.connections.slice(0, 2).every(({ status, clean }) => status === 200 && !clean));
  const script = await request(`${broker.url}/chat`);
  assert.equal(script.status, 502);
  assert.match(script.body, /cannot be reached/);
  await broker.publish('room/7', 'meanwhile');
  await old.count(1);
  await application.begin();
  await until(async () => {
    await broker.publish('user/bob', 'hello');
    return newcomer.data.includes('hello');
  }, 'the newcomer is let in');
  assert.equal(old.connections.length, 1);
  old.close();
  newcomer.close();
});

test('curl POSTs a prompt and reads its answer; the same POST with a cursor starts no second generation', async () => {
  const before = generations;
  const curl = (...more) => start('curl', ['-sN', `${broker.url}/ai`, '-H', 'Authorization: Bearer t', '-H',
    'Content-Type: application/json', '-d', '{"prompt":"p1"}', ...more]);
  const first = curl();
  await until(() => first.stdout.includes('retry:'), 'the stream opens');
  const id = await broker.publish('gen/p1', 'Hel');
  await until(() => first.stdout.includes('data: Hel\n'), 'a token arrives');
  first.child.kill('SIGKILL');
  await broker.publish('gen/p1', 'lo');
  const again = curl('-H', `Last-Event-ID: ${id}`);
  await until(() => again.stdout.includes('data: lo\n'), 'the rest arrives');
  assert.ok(!again.stdout.includes('data: Hel\n'));
  assert.equal(generations, before + 1);
  const other = start('curl', ['-sN', `${broker.url}/ai`, '-H', 'Authorization: Bearer other', '-H',
    'Content-Type: application/json', '-d', '{"prompt":"p1"}', '-H', `Last-Event-ID: ${id}`]);
  await until(() => generations === before + 2, 'another token is asked about');
  await broker.finish('gen/p1');
  await until(() => !again.running && !other.running, 'both end cleanly');
  assert.equal((await again.ended).code, 0);
});

test('an application that never answers holds nobody, and its connections are given up', async () => {
  const silent = createServer(() => {});
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const config = join(folder, 'slow.toml');
  writeFileSync(config, `[[route]]\npath = "/slow"\nupstream = "http://127.0.0.1:${silent.address().port}"\n`);
  const slow = await Broker.start({ config, set: ['server.backend=epoll', 'limits.upstream_time=500ms'] });
  const client = new Subscriber(slow.url, '', { path: '/slow', reconnect: false });
  await until(() => client.connections[0].clean === false, 'the client is told to come back');
  assert.equal(client.connections[0].status, 200);
  assert.ok(client.retries.length > 0);
  assert.equal((await request(`${slow.url}/slow`)).status, 504);
  await until(async () => await slow.metric('upstream_connections_open') === 0, 'no connection is left');
  assert.equal(await slow.stop(), 0);
  silent.close();
});

// nginx turns the POST into a GET that still carries the POST's body and its length.
test('behind nginx an application answers with X-Accel-Redirect, and nginx brings the client to the broker', async () => {
  const tcp = await Application.start(answers);
  const socket = createServer();
  await new Promise((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  const prefix = join(folder, 'nginx');
  mkdirSync(join(prefix, 'tmp'), { recursive: true });
  writeFileSync(join(prefix, 'nginx.conf'), `
error_log stderr warn; pid nginx.pid; events {}
http {
  access_log off;
  client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; fastcgi_temp_path tmp/f; uwsgi_temp_path tmp/u;
  scgi_temp_path tmp/s;
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${tcp.upstream}; }
    location ~ ^/_sse/(.+)$ {
      internal;
      proxy_pass ${broker.url}/events?channel=gen/$1;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}`);
  const nginx = start('/usr/sbin/nginx', ['-p', `${prefix}/`, '-c', join(prefix, 'nginx.conf'), '-e', 'stderr', '-g', 'daemon off;']);
  const post = (...more) => start('curl', ['-sN', '--retry-connrefused', '--retry', '20', '--retry-delay', '1',
    `http://127.0.0.1:${port}/accel`, '-H', 'Content-Type: application/json', '-d', '{"prompt":"n1"}', ...more]);
  const first = post();
  await until(() => first.stdout.includes('retry:'), () => `the stream opens: ${first.stdout} ${nginx.stderr}`, 20);
  const id = await broker.publish('gen/n1', 'through');
  await until(() => first.stdout.includes('data: through\n'), 'an event arrives');
  await broker.publish('gen/n1', 'nginx');
  const resumed = post('-H', `Last-Event-ID: ${id}`);
  await until(() => resumed.stdout.includes('data: nginx\n'), 'Last-Event-ID goes with it');
  assert.ok(!resumed.stdout.includes('data: through\n'));
  for (const one of [first, resumed]) one.child.kill('SIGKILL');
  nginx.child.kill('SIGTERM');
  await nginx.ended;
  await tcp.stop();
});

test('check warns of a socket that is not there, and refuses an upstream that is none', async () => {
  const config = join(folder, 'check.toml');
  writeFileSync(config, '[[route]]\npath = "/a"\nupstream = "unix:/nowhere/app.sock"\n');
  const warned = await fanfare(['check', '--config', config]);
  assert.match(warned.stdout + warned.stderr, /no socket of that name yet/);
  writeFileSync(config, '[[route]]\npath = "/a"\nupstream = "http://app.internal:3000"\n');
  const refused = await fanfare(['check', '--config', config]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stdout + refused.stderr, /names are not looked up/);
});
