// The tools people already have, against the real binary: what each publishes arrives at a
// subscriber, exactly and in order.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Broker, request } from './harness/broker.js';
import { fanfare, kBinary, run, start } from './harness/command.js';
import { Subscriber } from './harness/subscriber.js';
import { until, within } from './harness/wait.js';

let broker;
before(async () => { broker = await Broker.start({ set: ['history.events=20000', 'history.bytes=16MiB'] }); });
after(() => broker.stop());

// A subscriber of `channel` that is open, closed at the end of the test.
async function subscribed(context, channel, options) {
  const subscriber = await new Subscriber(broker.url, [channel].flat(), options).opened();
  context.after(() => subscriber.close());
  return subscriber;
}

function curl(args, options) {
  return run('curl', ['--silent', '--show-error', '--unix-socket', broker.socket, ...args], options);
}

const numbers = (count, prefix = '') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

test('curl publishes the bytes it is given, whatever their content type', async (t) => {
  const seen = await subscribed(t, 'curl/plain');
  const { code, stdout } = await curl(['--data-binary', 'hello, wörld', 'http://x/publish/curl/plain']);
  assert.equal(code, 0);
  const { id } = JSON.parse(stdout);
  await seen.count(1);
  assert.deepEqual({ id: seen.events[0].id, data: seen.events[0].data, type: seen.events[0].type },
    { id, data: 'hello, wörld', type: 'message' });
});

test('curl gives an event its type, and a key publishes once', async (t) => {
  const seen = await subscribed(t, 'curl/typed');
  const url = 'http://x/publish/curl/typed?event=tick&id=order-7';
  const first = await curl(['--data-binary', 'once', url]);
  const again = await curl(['--data-binary', 'once', url]);
  assert.equal(JSON.parse(first.stdout).id, JSON.parse(again.stdout).id);
  await curl(['--data-binary', 'last', 'http://x/publish/curl/typed']);
  await seen.count(2);
  assert.deepEqual(seen.events.map(({ type, data }) => [type, data]), [['tick', 'once'], ['message', 'last']]);
});

test('curl publishes a batch of NDJSON and is answered line by line', async (t) => {
  const seen = await subscribed(t, ['curl/a', 'curl/b']);
  const lines = numbers(100).map((n) => JSON.stringify({ channel: n % 2 ? 'curl/a' : 'curl/b', data: { n: Number(n) } }));
  lines.splice(50, 0, '{"channel":"curl/a"}', '{broken');
  const { stdout } = await curl(['--header', 'Content-Type: application/x-ndjson', '--data-binary', '@-',
    'http://x/publish'], { input: lines.join('\n') + '\n' });
  const replies = stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(replies.length, 102);
  assert.deepEqual([50, 51].map((i) => typeof replies[i].error), ['string', 'string']);
  await seen.count(100);
  assert.deepEqual(seen.data, numbers(100).map((n) => `{"n":${n}}`));
  assert.deepEqual(seen.events.map(({ id }) => id), replies.filter(({ id }) => id).map(({ id }) => id));
});

test('curl does not wait in vain for 100 Continue', async (t) => {
  const seen = await subscribed(t, 'curl/continue');
  const data = 'x'.repeat(60_000);
  const { code, stderr } = await curl(['--verbose', '--expect100-timeout', '20', '--header', 'Expect: 100-continue', '--data-binary', '@-',
    'http://x/publish/curl/continue'], { input: data });
  assert.equal(code, 0);
  assert.match(stderr, /< HTTP\/1\.1 100 Continue/);
  assert.doesNotMatch(stderr, /Done waiting/, 'its patience of 20 s did not end');
  await seen.count(1);
  assert.equal(seen.data[0], data);
});

test('a chunked PUT of unknown length is also an event', async (t) => {
  const seen = await subscribed(t, 'curl/put');
  const { code } = await curl(['--upload-file', '-', 'http://x/publish/curl/put'], { input: 'line 1\nline 2\n' });
  assert.equal(code, 0);
  await seen.count(1);
  assert.equal(seen.data[0], 'line 1\nline 2\n');
});

test('a body that is too big is refused with its limit, and the next one arrives', async (t) => {
  const seen = await subscribed(t, 'curl/big');
  const { stdout } = await curl(['--write-out', '\n%{http_code}', '--data-binary', '@-', 'http://x/publish/curl/big'],
    { input: 'x'.repeat(70_000) });
  assert.match(stdout, /413$/);
  assert.match(stdout, /65536|64 ?KiB/);
  const largest = 'y'.repeat(65_536);
  assert.equal((await curl(['--data-binary', '@-', 'http://x/publish/curl/big'], { input: largest })).code, 0);
  await seen.count(1);
  assert.equal(seen.data[0], largest);
});

test('CR, LF and CRLF in data arrive as line feeds, spaces and colons as they are', async (t) => {
  const seen = await subscribed(t, 'curl/lines');
  const data = ' a\r\nb\rc\n\n: d\u2028e\u0085\ufeff \n';
  await curl(['--data-binary', '@-', 'http://x/publish/curl/lines'], { input: data });
  await seen.count(1);
  assert.equal(seen.data[0], data.replace(/\r\n|\r/g, '\n'));
});

test('redis-cli publishes with PUBLISH and XADD', async (t) => {
  const seen = await subscribed(t, 'redis/one');
  const publish = await run('redis-cli', ['-s', broker.socket, 'PUBLISH', 'redis/one', 'hello world']);
  assert.equal(publish.stdout.trim(), '1', 'the number of subscribers');
  const xadd = await run('redis-cli', ['-s', broker.socket, 'XADD', 'redis/one', '*', 'event', 'tick', 'data', 'second']);
  await seen.count(2);
  assert.deepEqual(seen.events.map(({ type, data }) => [type, data]), [['message', 'hello world'], ['tick', 'second']]);
  assert.equal(xadd.stdout.trim(), seen.events[1].id);
});

test('redis-cli works line by line from a pipe', async (t) => {
  const seen = await subscribed(t, 'redis/lines');
  const { stdout } = await run('redis-cli', ['-s', broker.socket],
    { input: 'PING\nPUBLISH redis/lines "two words"\nSUBSCRIBE redis/lines\nXLEN redis/lines\n' });
  const replies = stdout.split('\n');
  assert.equal(replies[0], 'PONG');
  assert.match(stdout, /ERR .*SUBSCRIBE|ERR .*subscribe/i);
  assert.match(stdout, /^1$/m);
  await seen.count(1);
  assert.equal(seen.data[0], 'two words');
});

test('redis-cli --pipe inserts ten thousand events', async (t) => {
  const seen = await subscribed(t, 'redis/mass');
  const words = (list) => `*${list.length}\r\n${list.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join('')}`;
  const input = numbers(10_000, 'event ').map((data) => words(['PUBLISH', 'redis/mass', data])).join('');
  const { code, stdout, stderr } = await run('redis-cli', ['-s', broker.socket, '--pipe'], { input, seconds: 60 });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /errors: 0, replies: 10000/);
  await seen.count(10_000, 30);
  assert.deepEqual(seen.data, numbers(10_000, 'event '));
});

test('redis-benchmark runs its load and every event arrives once', async (t) => {
  const seen = await subscribed(t, 'redis/load');
  const { code, stdout, stderr } = await run('redis-benchmark',
    ['-s', broker.socket, '-P', '16', '-c', '4', '-n', '20000', '-q', 'PUBLISH', 'redis/load', 'x'.repeat(100)], { seconds: 60 });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /requests per second/);
  await seen.count(20_000, 30);
  const sequences = seen.events.map(({ id }) => Number(id.split('-')[1]));
  assert.equal(sequences.length, 20_000);
  assert.ok(sequences.every((s, i) => i === 0 || s > sequences[i - 1]), 'in order, none twice');
});

test('nc -U speaks NDJSON and is answered before it goes', async (t) => {
  const seen = await subscribed(t, 'nc');
  const lines = ['{"channel":"nc","data":"first"}', '{"channel":"nc","event":"tick","data":{"a": 1}}', '{"channel":"nc","data":7}'];
  const { stdout } = await run('nc', ['-N', '-U', broker.socket], { input: lines.join('\n') + '\n' });
  const replies = stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(replies.length, 3);
  const accepted = replies.filter(({ id }) => id);
  await seen.count(accepted.length);
  assert.deepEqual(seen.events.map(({ id }) => id), accepted.map(({ id }) => id));
  assert.deepEqual(seen.data.slice(0, 2), ['first', '{"a": 1}'], 'an object is forwarded as its own text');
});

test('socat publishes from a pipe, the last line without a line feed', async (t) => {
  const seen = await subscribed(t, 'socat');
  const { stdout } = await run('socat', ['-t5', '-', `UNIX-CONNECT:${broker.socket}`],
    { input: '{"channel":"socat","data":"a"}\n{"channel":"socat","data":"b"}' });
  assert.equal(stdout.trim().split('\n').length, 2);
  await seen.count(2);
  assert.deepEqual(seen.data, ['a', 'b']);
});

test('fanfare publish: one event, standard input, lines and NDJSON', async (t) => {
  const seen = await subscribed(t, 'cli');
  const socket = ['--socket', broker.socket];
  const one = await fanfare(['publish', 'cli', 'hello', '--event', 'tick', ...socket]);
  assert.equal(one.code, 0, one.stderr);
  const whole = await fanfare(['publish', 'cli', ...socket], { input: 'two\nlines' });
  const lines = await fanfare(['publish', 'cli', '--lines', ...socket], { input: numbers(1000).join('\n') + '\n' });
  assert.equal(lines.stdout.trim().split('\n').length, 1000);
  const ndjson = await fanfare(['publish', '--ndjson', ...socket], { input: '{"channel":"cli","data":[1, 2]}\n\n{"channel":"cli","data":"end"}' });
  assert.equal(ndjson.code, 0, ndjson.stderr);
  await seen.count(1004);
  assert.deepEqual(seen.data, ['hello', 'two\nlines', ...numbers(1000), '[1, 2]', 'end']);
  const shown = [one, whole, lines, ndjson].map(({ stdout }) => stdout).join('').trim().split('\n');
  assert.deepEqual(shown, seen.events.map(({ id }) => id));
});

test('fanfare publish names what was refused, goes on, and fails', async () => {
  const { code, stdout, stderr } = await fanfare(['publish', '--ndjson', '--socket', broker.socket],
    { input: '{"channel":"refusals","data":"a"}\n{"channel":"no spaces","data":"b"}\n{"channel":"refusals","data":"c"}\n' });
  assert.equal(code, 1);
  assert.equal(stdout.trim().split('\n').length, 2);
  assert.match(stderr, /event 2: .+/);
});

test('fanfare publish shows ids while its pipe is still open', async (t) => {
  const publishing = start(kBinary, ['publish', 'pipe', '--lines', '--socket', broker.socket], { stdin: 'pipe' });
  t.after(() => publishing.child.kill());
  for (let i = 1; i <= 3; ++i) {
    publishing.child.stdin.write(`${i}\n`);
    await until(() => publishing.stdout.split('\n').length === i + 1, 'an id for the line just written');
  }
  publishing.child.stdin.end();
  assert.equal((await within(publishing.ended, 'it ends with its pipe')).code, 0);
});

test('fanfare tail follows channels and patterns, as text and as JSON', async (t) => {
  const plain = start(kBinary, ['tail', 'tail/a', 'tail/deep/**', '--url', broker.url]);
  const json = start(kBinary, ['tail', 'tail/*', '--json', '--count', '2', '--url', broker.url]);
  t.after(() => { plain.child.kill(); json.child.kill(); });
  await until(async () => (await broker.metric('subscribers')) >= 2, 'both are subscribed');
  const first = await broker.publish('tail/a', '{"n":1}', { event: 'tick' });
  await broker.publish('tail/deep/er/b', 'two\nlines');
  await broker.publish('tail/c', 'three');
  assert.equal((await within(json.ended, 'tail --count 2 ends')).code, 0);
  assert.deepEqual(json.stdout.trim().split('\n').map((line) => JSON.parse(line)).map(({ event, data }) => [event, data]),
    [['tick', '{"n":1}'], ['message', 'three']]);
  await until(() => plain.stdout.includes('lines'), 'the text arrives');
  assert.equal(plain.stdout.split('\n')[0], `${first}  tick  {"n":1}`);
  assert.ok(!plain.stdout.includes('\x1b'), 'no colours in a pipe');
  plain.child.kill('SIGINT');
  assert.equal((await within(plain.ended, 'Ctrl-C ends it')).code, 0);
});

test('fanfare tail begins where it is told', async () => {
  for (const n of numbers(5)) await broker.publish('begin', n);
  const tail = async (...args) => (await fanfare(['tail', 'begin', '--raw', '--url', broker.url, ...args])).stdout.trim().split('\n');
  assert.deepEqual(await tail('--since', 'earliest', '--count', '5'), numbers(5));
  assert.deepEqual(await tail('--replay', '2', '--count', '2'), ['3', '4']);
  const third = JSON.parse((await fanfare(['tail', 'begin', '--json', '--replay', '3', '--count', '1', '--url', broker.url])).stdout).id;
  assert.deepEqual(await tail('--since', third, '--count', '2'), ['3', '4']);
});

test('fanfare tail resumes by itself and prints the gap of a restart', async (t) => {
  const own = await Broker.start();
  const tail = start(kBinary, ['tail', 'gap', '--json', '--url', own.url]);
  t.after(async () => { tail.child.kill(); await own.stop(); });
  await until(async () => (await own.metric('subscribers')) === 1, 'it is subscribed');
  const before = await own.publish('gap', 'before');
  await until(() => tail.stdout.includes('before'), 'the event arrives');
  await own.restart();
  await until(async () => (await own.metric('subscribers')) === 1, 'it is subscribed again', 20);
  await own.publish('gap', 'after');
  await until(() => tail.stdout.includes('"data":"after"'), 'the event after the restart arrives');
  const lines = tail.stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.equal(lines.length, 3);
  assert.equal(lines[1].gap.reason, 'restarted');
  assert.equal(lines[1].gap.after, before);
  assert.match(tail.stderr, /trying again in/);
});

test('fanfare tail ends by itself when its channel was finished', async (t) => {
  const tail = start(kBinary, ['tail', 'finite', '--raw', '--url', broker.url]);
  t.after(() => tail.child.kill());
  await until(async () => (await broker.metric('log_channels')) && (await broker.metric('subscribers')) >= 1, 'it is subscribed');
  const { code } = await fanfare(['publish', 'finite', 'the end', '--finish', '--socket', broker.socket]);
  assert.equal(code, 0);
  assert.equal((await within(tail.ended, 'tail ends', 20)).code, 0);
  assert.equal(tail.stdout, 'the end\n');
});

test('fanfare tail says that a refusal will not pass', async () => {
  const { code, stderr } = await fanfare(['tail', 'no spaces', '--url', broker.url]);
  assert.equal(code, 1);
  assert.match(stderr, /status 400: /);
});

test('the metrics name the broker from its first moment', async (t) => {
  const own = await Broker.start();
  t.after(() => own.stop());
  const { body } = await request(`${own.adminUrl}/metrics`);
  assert.match(body, /^fanfare_info\{version="\d+\.\d+\.\d+",epoch="[0-9a-z]{7}",backend="\w+"\} 1$/m);
});

test('fanfare top shows rates, once and as lines', async (t) => {
  const seen = await subscribed(t, 'top');
  const once = start(kBinary, ['top', '--once', '--interval', '500ms', '--admin', broker.adminUrl]);
  const lines = start(kBinary, ['top', '--interval', '200ms', '--admin', broker.adminUrl]);
  t.after(() => lines.child.kill());
  while (once.running) await broker.publish('top', 'x');
  assert.equal((await once.ended).code, 0);
  assert.match(once.stdout, /^fanfare .* at .*, up .*, epoch [0-9a-z]+/);
  assert.match(once.stdout, /subscribers +[1-9]/);
  const rate = Number(/published +([\d,.]+) events\/s/.exec(once.stdout)[1].replaceAll(',', ''));
  assert.ok(rate > 0, 'events were published meanwhile');
  await until(() => lines.stdout.split('\n').length > 2, 'two lines');
  assert.match(lines.stdout.split('\n')[0], /^subscribers=\d+ behind=\d+ .*delivered_per_second=/);
  lines.child.kill('SIGINT');
  assert.equal((await within(lines.ended, 'Ctrl-C ends it')).code, 0);
  assert.ok(seen.events.length > 0);
});

test('fanfare top draws a live screen on a terminal and gives the terminal back', async (t) => {
  const typescript = join(broker.folder, 'typescript');
  const screen = start('script', ['-qfec', `${kBinary} top --interval 100ms --admin ${broker.adminUrl}`, typescript], { stdin: 'pipe' });
  t.after(() => screen.child.kill());
  await until(() => screen.stdout.split('\x1b[H').length > 3, 'it redraws');
  screen.child.stdin.write('\x03');
  await within(screen.ended, 'Ctrl-C ends it');
  assert.match(screen.stdout, /^\x1b\[\?1049h/);
  assert.match(screen.stdout, /\x1b\[\?1049l/);
});

test('fanfare top waits for a broker that restarts', async (t) => {
  const own = await Broker.start();
  const top = start(kBinary, ['top', '--interval', '100ms', '--admin', own.adminUrl]);
  t.after(async () => { top.child.kill(); await own.stop(); });
  await until(() => top.stdout.includes('\n'), 'a first line');
  await own.kill();
  await until(() => /trying again/.test(top.stderr), 'it says that the broker is away');
  const lines = top.stdout.split('\n').length;
  await own.begin();
  await until(() => top.stdout.split('\n').length > lines, 'it goes on');
});

test('fanfare check tells every problem of a file, or what it may cost', async () => {
  const file = join(broker.folder, 'broken.toml');
  writeFileSync(file, '[delivery]\nhearbeat = "5s"\nretry = 5\n[history]\nage = "1 fortnight"\n');
  const broken = await fanfare(['check', '--config', file]);
  assert.equal(broken.code, 78);
  for (const place of [/broken\.toml:2:\d+: .*heartbeat/, /broken\.toml:3:\d+: /, /broken\.toml:5:\d+: /]) {
    assert.match(broken.stderr, place);
  }
  const fine = await fanfare(['check', '--set', 'limits.connections=1000']);
  assert.equal(fine.code, 0);
  assert.match(fine.stdout, /1000 connections/);
  assert.match(fine.stdout, /MiB/);
});

test('nothing was lost on the way: the broker counts what the tools published', async () => {
  await until(async () => {
    const metrics = await broker.metrics();
    return metrics.fanfare_ingest_connections_open === 0 && metrics.fanfare_ingest_events_total >= 31_000;
  }, 'nobody is connected, and 31,000 events were published');
});
