// Every byte that the broker says, case by case, as transcript.txt has it: a change that is meant to keep the wire as
// it is keeps this file as it is. After one that is not: `npm run transcript` writes it anew, and the diff is reviewed.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Broker } from './harness/broker.js';
import { RawConnection } from './harness/raw.js';

const kFile = new URL('transcript.txt', import.meta.url);
const kWrite = process.env.FANFARE_WRITE_TRANSCRIPT === '1';
const kSettings = ['delivery.retry=2s', 'delivery.heartbeat=10min', 'cors.origins=["https://shop.example"]', 'history.events=20'];

// What differs from run to run gets a name: ids by their first appearance in the case, times, chance.
function normalised(text) {
  const ids = new Map();
  const name = (id) => {
    if (!ids.has(id)) ids.set(id, `ID${ids.size + 1}`);
    return ids.get(id);
  };
  return text
    .replace(/\b[0-9a-z]{7}-\d+\b/g, name)
    .replace(/^Date: .*$/gim, (field) => `${field.slice(0, 6)}DATE`.replace(/\r?$/, ''))
    .replace(/"time":"[^"]*"/g, (field) => `"time":"${"TIME".padEnd(field.length - 9, "-")}"`)
    .replace(/retry: \d+/g, (line) => (line.length === 'retry: 2000'.length ? 'retry: MSEC' : line));
}

const shown = (text) => normalised(text).replace(/[^\x20-\x7e\r\n]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
  .replace(/\r\n/g, '␍\n').replace(/\r/g, '␍').replace(/^/gm, '    ').replace(/ +$/gm, (end) => (end.length > 4 ? end : ''));

const recorded = new Map(existsSync(kFile)
  ? readFileSync(kFile, 'utf8').split(/^== /m).slice(1).map((one) => [one.slice(0, one.indexOf('\n')), one.slice(one.indexOf('\n') + 1).trimEnd()])
  : []);
const cases = new Map();

function says(name, bytes) {
  const text = shown(bytes).trimEnd();
  cases.set(name, text);
  if (!kWrite) assert.equal(text, recorded.get(name));
}

let broker;
before(async () => {
  broker = await Broker.start({ set: kSettings });
  // Every id has four digits from here on: the sizes of chunks that hold one are the same in each run.
  const raw = await RawConnection.open(broker.socket);
  raw.send('PUBLISH before x\r\n'.repeat(1000));
  await raw.until((text) => text.split('\n').length > 1000, 'a thousand events are in');
  raw.close();
});
after(async () => {
  await broker.stop();
  if (kWrite) writeFileSync(kFile, [...cases].map(([name, text]) => `== ${name}\n${text}\n`).join('\n'));
});

const head = (line, ...fields) => [line, 'Host: x', ...fields, '', ''].join('\r\n');
const kOrigin = 'Origin: https://shop.example';
const kStranger = 'Origin: https://elsewhere.example';

// The whole answer to the last request on a connection.
async function answer(to, bytes) {
  const raw = await RawConnection.open(to);
  raw.send(bytes);
  const text = await raw.untilClosed();
  raw.close();
  return `${text}${raw.reset ? '[reset]' : ''}`;
}

const kAnswers = {
  'a preflight': head('OPTIONS /events HTTP/1.1', kOrigin, 'Access-Control-Request-Method: GET', 'Access-Control-Request-Headers: last-event-id, x-trace', 'Connection: close'),
  'a preflight of a stranger': head('OPTIONS /events HTTP/1.1', kStranger, 'Access-Control-Request-Method: POST', 'Connection: close'),
  'OPTIONS': head('OPTIONS /events HTTP/1.1', 'Connection: close'),
  'no such path': head('GET /nowhere HTTP/1.1', kOrigin, 'Connection: close'),
  'no such path, HEAD': head('HEAD /nowhere HTTP/1.1', 'Connection: close'),
  'no such path, HTTP/1.0': 'GET /nowhere HTTP/1.0\r\n\r\n',
  'no such path, HTTP/1.0 that wants to stay': `${head('GET /nowhere HTTP/1.0', 'Connection: keep-alive')}${head('GET /nowhere HTTP/1.0')}`,
  'HEAD of a stream': head('HEAD /events?channel=a HTTP/1.1', kOrigin, 'Connection: close'),
  'the position': head('GET /position HTTP/1.1', kOrigin, 'Connection: close'),
  'the position in JSON': head('GET /position HTTP/1.1', 'Accept: application/json', 'Connection: close'),
  'HEAD of the position': head('HEAD /position HTTP/1.1', 'Connection: close'),
  'a POST of the position': head('POST /position HTTP/1.1', 'Content-Length: 0', 'Connection: close'),
  'a method that is not served': head('PUT /events?channel=a HTTP/1.1', 'Content-Length: 0', 'Connection: close'),
  'no channel': head('GET /events HTTP/1.1', kOrigin, 'Connection: close'),
  'a bad channel': head('GET /events?channel=a%20b HTTP/1.1', 'Connection: close'),
  'a bad pattern': head('GET /events?topic=a/**b HTTP/1.1', 'Connection: close'),
  'a bad format': head('GET /events?channel=a&format=xml HTTP/1.1', 'Connection: close'),
  'a body that is not JSON': head('POST /events HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 3', 'Connection: close') + '{a}',
  'a body that is too large': head('POST /events HTTP/1.1', kOrigin, 'Content-Length: 70000'),
  'two lengths': head('POST /events HTTP/1.1', 'Content-Length: 5', 'Content-Length: 6'),
  'no Host': 'GET /events?channel=a HTTP/1.1\r\n\r\n',
  'a target too long': head(`GET /events?channel=a&x=${'y'.repeat(9000)} HTTP/1.1`),
  'too many fields': head('GET /events?channel=a HTTP/1.1', ...Array.from({ length: 120 }, (_, i) => `X-${i}: y`)),
  'a version that is none': head('GET /events?channel=a HTTP/1.x'),
  'a version of tomorrow': head('GET /events?channel=a HTTP/3.0'),
  'nearly the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
  'an expectation that is none': head('POST /events HTTP/1.1', 'Expect: wonders', 'Content-Length: 2', 'Connection: close') + '{}',
  '100-continue': head('POST /nowhere HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 2', 'Connection: close') + '{}',
  'three in one write': head('OPTIONS /events HTTP/1.1') + head('GET /nowhere HTTP/1.1') + head('OPTIONS /events HTTP/1.1', 'Connection: close'),
};
for (const [name, bytes] of Object.entries(kAnswers)) {
  test(`answers: ${name}`, async () => says(`answers: ${name}`, await answer(broker.httpPort, bytes)));
}

const kAdmin = {
  'healthz': head('GET /healthz HTTP/1.1', 'Connection: close'),
  'readyz': head('GET /readyz HTTP/1.1', 'Connection: close'),
  'no such page': head('GET /nowhere HTTP/1.1', 'Connection: close'),
  'a foreign Host': 'GET /readyz HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n',
  'POST': head('POST /healthz HTTP/1.1', 'Content-Length: 0', 'Connection: close'),
};
for (const [name, bytes] of Object.entries(kAdmin)) {
  test(`admin: ${name}`, async () => says(`admin: ${name}`, await answer(broker.adminPort, bytes.replace('Host: x', 'Host: 127.0.0.1'))));
}

// A stream from its first byte to the last event; what is published when it is open.
async function stream(name, request, publish, end) {
  const raw = await RawConnection.open(broker.httpPort);
  raw.send(request);
  await raw.until((text) => /\r\n\r\n/.test(text), 'the stream opens');
  await publish?.();
  await (end === undefined ? raw.untilClosed() : raw.until((text) => text.includes(end), `${end} arrives`));
  says(`streams: ${name}`, `${raw.received}${raw.reset ? '[reset]' : ''}`);
  raw.close();
}

test('streams: an event of each kind', () => stream('an event of each kind', head('GET /events?channel=kinds HTTP/1.1', 'Accept: text/event-stream', kOrigin), async () => {
  await broker.publish('kinds', 'plain');
  await broker.publish('kinds', 'two\nlines', { event: 'named' });
  await broker.publish('kinds', 'with retry', { retry: 1234 });
  await broker.publish('kinds', '{"json":"é"}');
  await broker.publish('kinds', 'x'.repeat(300), { key: 'once' });
  await broker.publish('kinds', 'last');
}, 'data: last\n'));

for (const [name, format] of [['raw', 'raw'], ['json', 'json'], ['sse', 'sse']]) {
  test(`streams: format=${name}`, async () => {
    const raw = await RawConnection.open(broker.httpPort);
    raw.send(head(`GET /events?channel=format&format=${format} HTTP/1.1`, 'Connection: close'));
    await raw.until((text, closed) => closed || /\r\n\r\n/.test(text), 'there is an answer');
    if (!raw.closed) {
      await broker.publish('format', 'one');
      await raw.until((text) => text.includes('one'), 'it arrives');
    }
    says(`streams: format=${name}`, raw.received);
    raw.close();
  });
}

test('streams: polls', async () => {
  const id = await broker.publish('polls', 'one');
  await broker.publish('polls', 'two');
  // The next cursor may be behind an event of the admin page, which has one each second.
  const poll = async (name, query, ...fields) => says(`polls: ${name}`,
    (await answer(broker.httpPort, head(`GET /events?channel=polls&poll=1${query} HTTP/1.1`, 'Connection: close', ...fields)))
      .replace(/^Last-Event-ID: .*?\r$/m, 'Last-Event-ID: NEXT\r'));
  await poll('what came after an id', `&last_event_id=${id}`, kOrigin);
  await poll('without an id', '');
  await poll('without an id, as an EventSource', '', 'Accept: text/event-stream', 'Cache-Control: no-cache', 'User-Agent: Mozilla/5.0');
  await poll('raw', `&format=raw&last_event_id=${id}`);
  await poll('the last of each channel', '&replay=1&each=channel');
  await poll('two places to begin', '&replay=1&since=10min');
  await broker.finish('polls');
  await poll('of a finished channel', '', `Last-Event-ID: ${await broker.publish('other', 'x')}`);
});

test('streams: a client that asks as an EventSource, without and with an id', async () => {
  await broker.publish('resume', 'one');
  const id = await broker.publish('resume', 'two');
  await broker.publish('resume', 'three');
  await stream('earliest', head('GET /events?channel=resume&lastEventID=earliest HTTP/1.1', 'Accept: text/event-stream'), null, 'data: three\n');
  await stream('resumed by the header', head('GET /events?channel=resume HTTP/1.1', 'Accept: text/event-stream', `Last-Event-ID: ${id}`), null, 'data: three\n');
  await stream('resumed over HTTP/1.0', `GET /events?channel=resume HTTP/1.0\r\nLast-Event-ID: ${id}\r\n\r\n`, null, 'data: three\n');
});

test('streams: gaps', async () => {
  const id = await broker.publish('gaps', 'gone');
  for (let i = 0; i < 30; ++i) await broker.publish('gaps', `${i}`);
  await stream('a gap by eviction', head('GET /events?channel=gaps HTTP/1.1', `Last-Event-ID: ${id}`), null, 'data: 29\n');
  await stream('a gap by a foreign epoch', head('GET /events?channel=gaps HTTP/1.1', 'Last-Event-ID: zzzzzzz-1'), null, 'data: 29\n');
  await stream('a gap by nonsense', head('GET /events?channel=gaps HTTP/1.1', 'Last-Event-ID: "non\\sense"'), null, 'data: 29\n');
});

test('streams: a channel that ends', async () => {
  await stream('the end of a channel', head('GET /events?channel=ends HTTP/1.1'), async () => {
    await broker.publish('ends', 'last');
    await broker.finish('ends');
  }, '0\r\n\r\n');
  const id = await broker.publish('ended', 'one');
  await broker.finish('ended');
  await stream('the end of a channel over HTTP/1.0', 'GET /events?channel=ended&lastEventID=earliest HTTP/1.0\r\n\r\n');
  says('streams: nothing follows', await answer(broker.httpPort, head('GET /events?channel=ended HTTP/1.1', `Last-Event-ID: ${id}`, kOrigin, 'Connection: close')));
});

test('streams: two channels, a pattern, a POST body', async () => {
  const body = JSON.stringify({ channels: ['many/a', 'many/*'] });
  await stream('a POST body', head('POST /events HTTP/1.1', 'Content-Type: application/json', `Content-Length: ${body.length}`) + body, async () => {
    await broker.publish('many/a', 'a');
    await broker.publish('many/b', 'b');
  }, 'data: b\n');
});

const kResp = 'PING\r\nPUBLISH r one\r\nPUBLISH r\r\nHELLO 3\r\nCLIENT SETNAME x\r\nMULTI\r\nPUBLISH r two\r\nPUBLISH r three\r\nEXEC\r\nMULTI\r\nNONSENSE\r\nEXEC\r\nDISCARD\r\n' +
  'XADD r * data four\r\nXLEN r\r\nEXISTS r none\r\nPUBSUB NUMSUB r\r\nSUBSCRIBE r\r\nGET r\r\nDEL r none\r\nPUBLISH a%20b x\r\nRESET\r\nQUIT\r\n';
test('publishers: RESP', async () => says('publishers: RESP', (await answer(broker.socket, kResp)).replace(/(\nid\r\n):\d+/, '$1:NUMBER')));
const kLines = ['{"channel":"n","data":"one"}', '{"channels":["n","m"],"data":"two","event":"e","id":"k"}', '{"channel":"n","data":"two","id":"k2"}', '{"channel":"n","data":"two","id":"k2"}', '{"channel":"n"}', 'nonsense', '{"channel":"a b","data":"x"}', '{"op":"nonsense"}', '{"op":"finish","channel":"n"}', '{"channel":"n","data":"late"}', '{"op":"delete","channel":"n"}'];
test('publishers: lines', async () => {
  const raw = await RawConnection.open(broker.socket);
  raw.send(kLines.map((line) => `${line}\n`).join(''));
  await raw.until((text) => text.split('\n').length > kLines.length, 'each line is answered');
  says('publishers: lines', raw.received);
  raw.close();
});
const kHttp = {
  'publish': head('POST /publish/h?event=e HTTP/1.1', 'Content-Length: 3', 'Connection: close') + 'one',
  'publish to a bad channel': head('POST /publish/a%20b HTTP/1.1', 'Content-Length: 3', 'Connection: close') + 'one',
  'publish with GET': head('GET /publish/h HTTP/1.1', 'Connection: close'),
  'the position': head('GET /position HTTP/1.1', 'Connection: close'),
  'finish': head('POST /finish/hf HTTP/1.1', 'Content-Length: 0', 'Connection: close'),
  'delete what is not there': head('DELETE /channels/none HTTP/1.1', 'Connection: close'),
  'no such path': head('GET /nowhere HTTP/1.1', 'Connection: close'),
  'a list of channels': head('GET /channels?prefix=none HTTP/1.1', 'Connection: close'),
};
for (const [name, bytes] of Object.entries(kHttp)) {
  test(`publishers: HTTP, ${name}`, async () => says(`publishers: HTTP, ${name}`, await answer(broker.socket, bytes)));
}

test('streams: the farewell of a broker that stops', async (t) => {
  const stopping = await Broker.start({ set: [...kSettings, 'limits.drain=0s'] });
  t.after(() => stopping.stop());
  const open = async (version) => {
    const raw = await RawConnection.open(stopping.httpPort);
    raw.send(head(`GET /events?channel=a HTTP/${version}`));
    await raw.until((text) => text.includes('retry: '), 'the stream opens');
    return raw;
  };
  const streams = [await open('1.1'), await open('1.0')];
  stopping.signal('SIGTERM');
  for (const [i, raw] of streams.entries()) {
    await raw.untilClosed();
    says(`streams: farewell over HTTP/1.${1 - i}`, `${raw.received}${raw.reset ? '[reset]' : ''}`);
    raw.close();
  }
});

test('the file has no case that is not played', () => {
  if (!kWrite) assert.deepEqual([...recorded.keys()].filter((name) => !cases.has(name)), []);
});
