// Redis libraries as people have them, with their defaults: they connect (RESP3 where they speak it), publish, send
// a transaction and a script, and what they were told is what a subscriber sees.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { run } from './harness/command.js';
import { Subscriber } from './harness/subscriber.js';

const require = createRequire(import.meta.url);
const { createClient } = require('@redis/client');
const { Redis } = require('ioredis');

// As Laravel's RedisBroadcaster has it.
const kLaravel = "for i = 2, #ARGV do\n  redis.call('publish', ARGV[i], ARGV[1])\nend";

let broker;
// A burst of thousands may run ahead of its reader: what is kept is more than the longest of them.
before(async () => { broker = await Broker.start({ set: ['history.events=20000', 'history.bytes=16MiB'] }); });
after(() => broker.stop());

async function subscribed(context, ...channels) {
  const subscriber = await new Subscriber(broker.url, channels).opened();
  context.after(() => subscriber.close());
  return subscriber;
}

// Neighbours in the log: nothing was published between them.
function assertNeighbours(events) {
  const sequences = events.map(({ id }) => Number(id.split('-')[1]));
  sequences.forEach((sequence, i) => assert.equal(sequence, sequences[0] + i));
}

test('node-redis connects with its defaults and speaks RESP3', async (t) => {
  const seen = await subscribed(t, 'node');
  const client = createClient({ socket: { path: broker.socket } });
  client.on('error', (error) => assert.fail(error));
  await client.connect();
  t.after(() => client.destroy());
  assert.match(await client.sendCommand(['CLIENT', 'INFO']), /resp=3/);
  assert.equal(await client.publish('node', 'one'), 1);
  assert.deepEqual(await client.multi().publish('node', 'two').publish('node', 'three').xLen('node').exec(), [1, 1, 3]);
  await assert.rejects(client.multi().publish('node', 'no').publish('no name', 'x').exec());
  await assert.rejects(client.subscribe('node', () => {}), /GET \/events/);
  await seen.count(3);
  assert.deepEqual(seen.data, ['one', 'two', 'three']);
  assertNeighbours(seen.events);
});

test('ioredis connects with its defaults: publish, multi, pipeline and the broadcast script', async (t) => {
  const seen = await subscribed(t, 'io', 'io/2');
  const client = new Redis({ path: broker.socket, retryStrategy: null });
  t.after(() => client.disconnect());
  assert.equal(await client.publish('io', 'one'), 1);
  assert.deepEqual(await client.multi().publish('io', 'two').publish('io', 'three').exec(), [[null, 1], [null, 1]]);
  assert.deepEqual(await client.pipeline().publish('io', 'four').ping().exec(), [[null, 1], [null, 'PONG']]);
  assert.equal(await client.eval(kLaravel, 0, 'five', 'io', 'io/2'), null);
  client.defineCommand('broadcast', { numberOfKeys: 0, lua: kLaravel }); // EVALSHA first
  assert.equal(await client.broadcast('six', 'io'), null);
  await assert.rejects(client.eval('return 1', 0), /MULTI and EXEC/);
  await assert.rejects(client.multi().publish('io', 'no').publish('no name', 'x').exec(), /EXECABORT/);
  await seen.count(7);
  assert.deepEqual(seen.data, ['one', 'two', 'three', 'four', 'five', 'five', 'six']);
  assertNeighbours(seen.events);
});

test('redis-py: a pipeline is a transaction, in the log whole or not at all', async (t) => {
  const seen = await subscribed(t, 'py');
  const { code, stdout, stderr } = await run('/usr/bin/python3', ['-c', `
import sys, redis
client = redis.Redis(unix_socket_path=sys.argv[1])
print(client.publish('py', 'one'))
print(client.pipeline().publish('py', 'two').publish('py', 'three').execute())
print(client.pipeline(transaction=False).publish('py', 'four').ping().execute())
client.execute_command('SSE.FINISH', 'py/over')
for channel in ('no name', 'py/over'):
    try:
        client.pipeline().publish('py', 'no').publish(channel, 'x').execute()
    except redis.ResponseError as error:
        print(type(error).__name__)
try:
    with client.pipeline() as pipe:
        pipe.multi()
        pipe.publish('py', 'no')
        raise ValueError('given up')
except ValueError:
    pass
print(client.register_script(sys.argv[2])(args=['five', 'py']))
print(client.xlen('py'))
`, broker.socket, kLaravel]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n'),
    ['1', '[1, 1]', '[1, True]', 'ResponseError', 'ExecAbortError', 'None', '5']);
  await seen.count(5);
  assert.deepEqual(seen.data, ['one', 'two', 'three', 'four', 'five']);
  assertNeighbours(seen.events);
});

test('phpredis publishes, and broadcasts as Laravel does', async (t) => {
  const seen = await subscribed(t, 'php', 'php/2');
  const { code, stdout, stderr } = await run('php', ['-r', `
$redis = new Redis();
$redis->connect($argv[1]);
echo json_encode($redis->publish('php', 'one')), "\\n";
echo json_encode($redis->multi()->publish('php', 'two')->publish('php', 'three')->exec()), "\\n";
echo json_encode($redis->multi(Redis::PIPELINE)->publish('php', 'four')->exec()), "\\n";
$redis->eval($argv[2], ['five', 'php', 'php/2'], 0);
echo json_encode($redis->getLastError()), "\\n";
$redis->eval('return 1', [], 0);
echo $redis->getLastError(), "\\n";
`, broker.socket, kLaravel]);
  assert.equal(code, 0, stderr);
  const lines = stdout.trim().split('\n');
  assert.deepEqual(lines.slice(0, 4), ['1', '[1,1]', '[1]', 'null']);
  assert.match(lines[4], /MULTI and EXEC/);
  await seen.count(6);
  assert.deepEqual(seen.data, ['one', 'two', 'three', 'four', 'five', 'five']);
  assertNeighbours(seen.events);
});

test('redis-rb publishes, alone and in a transaction', async (t) => {
  const seen = await subscribed(t, 'rb');
  const { code, stdout, stderr } = await run('ruby', ['-rredis', '-e', `
redis = Redis.new(path: ARGV[0])
p redis.publish('rb', 'one')
p redis.multi { |transaction| transaction.publish('rb', 'two'); transaction.publish('rb', 'three') }
begin
  redis.multi { |transaction| transaction.publish('rb', 'no'); transaction.publish('no name', 'x') }
rescue Redis::CommandError => error
  puts error.message[0, 9]
end
`, broker.socket]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n').slice(0, 2), ['1', '[1, 1]']);
  await seen.count(3);
  assert.deepEqual(seen.data, ['one', 'two', 'three']);
});

test('redis-cli speaks RESP3 when asked, and types transactions line by line', async (t) => {
  const seen = await subscribed(t, 'cli3');
  const input = 'CONFIG GET save\nMULTI\nPUBLISH cli3 one\nPUBLISH cli3 two\nEXEC\nMULTI\nPUBLISH cli3 no\nDISCARD\n' +
    'MULTI\nPUBLISH cli3 no\nPUBLISH cli3\nEXEC\nXADD cli3/none NOMKSTREAM * data x\nCLIENT INFO\n';
  const { code, stdout, stderr } = await run('redis-cli', ['-3', '-s', broker.socket], { input });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^QUEUED\nQUEUED\n1\n1\n/m);
  assert.match(stdout, /EXECABORT .*nothing was published/);
  assert.match(stdout, /resp=3/);
  await broker.publish('cli3', 'last');
  await seen.count(3);
  assert.deepEqual(seen.data, ['one', 'two', 'last']);
});

test('redis-cli --pipe takes transactions in bulk', async (t) => {
  const seen = await subscribed(t, 'bulk');
  const input = Array.from({ length: 500 }, (_, i) => `MULTI\r\nPUBLISH bulk ${2 * i}\r\nPUBLISH bulk ${2 * i + 1}\r\nEXEC\r\n`);
  const { code, stdout, stderr } = await run('redis-cli', ['-s', broker.socket, '--pipe'], { input: input.join('') });
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /errors: 0, replies: 2000/);
  await seen.count(1000);
  assert.deepEqual(seen.data, Array.from({ length: 1000 }, (_, i) => `${i}`));
});

test('transactions of several publishers at once never mix', async (t) => {
  const seen = await subscribed(t, 'mix');
  const clients = Array.from({ length: 4 }, () => new Redis({ path: broker.socket, retryStrategy: null }));
  t.after(() => clients.forEach((client) => client.disconnect()));
  const transactions = clients.flatMap((client, who) => Array.from({ length: 25 }, (_, round) => {
    const transaction = client.multi();
    for (let i = 0; i < 40; ++i) transaction.publish('mix', `${who}.${round}.${i}`);
    return transaction.exec();
  }));
  await Promise.all(transactions);
  await seen.count(4000);
  for (let at = 0; at < 4000; at += 40) {
    const [first] = seen.data[at].split(/\.0$/);
    assert.deepEqual(seen.data.slice(at, at + 40), Array.from({ length: 40 }, (_, i) => `${first}.${i}`));
  }
});

test('a publisher whose connection breaks inside MULTI has published nothing', async (t) => {
  const seen = await subscribed(t, 'cut');
  const { stdout } = await run('nc', ['-N', '-U', broker.socket], { input: 'MULTI\r\nPUBLISH cut no\r\n' });
  assert.equal(stdout, '+OK\r\n+QUEUED\r\n');
  await broker.publish('cut', 'last');
  await seen.count(1);
  assert.deepEqual(seen.data, ['last']);
});
