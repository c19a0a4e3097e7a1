// KeyedPublisher: so many updates a second of a keyed channel, from a thread of its own, over one pipelined connection of JSON
// lines. What it published, when each update was acknowledged and under which number is known when it has ended. One that a
// broker or a machine cannot follow is slower: it never has more than kAhead updates without an answer.
import net from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

import { seededRandom } from './random.js';

const kAhead = 2_000;
const kTick = 2; // ms

// Milliseconds by a clock that all threads share.
export const now = () => Number(process.hrtime.bigint()) / 1e6;

export const dataOf = (key, number) => `${key}#${number} ${'·'.repeat(190)}`;

export class KeyedPublisher {
  // `most` updates at `rate` a second, or as many as there are in `seconds`. One in `removals` removes its key.
  constructor(socket, { channel, keys, rate, most, seconds, removals, seed }) {
    this.shared = new Int32Array(new SharedArrayBuffer(4));
    this.worker = new Worker(new URL(import.meta.url),
      { workerData: { socket, channel, keys, rate, most, seconds, removals, seed, shared: this.shared } });
    this.ended = new Promise((resolve, reject) => {
      this.worker.once('message', resolve);
      this.worker.once('error', reject);
    });
  }

  // So many were acknowledged.
  get acked() { return Atomics.load(this.shared, 0); }
}

function publish({ socket: path, channel, keys, rate, most, seconds, removals, seed, shared }) {
  const random = seededRandom(seed);
  const updates = []; // {key, removes}, in the order of the log
  const acked = []; // when
  const ids = []; // their places in the log
  const refused = [];
  const socket = net.connect(path);
  const began = now();
  let left = '';
  const done = () => {
    socket.destroy();
    parentPort.postMessage({ updates, acked, ids, refused, seconds: (now() - began) / 1000 });
  };
  let finishing = false;
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = (left + text).split('\n');
    left = lines.pop();
    const at = now();
    for (const line of lines) {
      const id = /"id":"\w+-(\d+)"/.exec(line);
      if (!id) refused.push(line);
      ids.push(Number(id?.[1]));
      acked.push(at);
    }
    Atomics.store(shared, 0, acked.length);
    if (finishing && acked.length === updates.length) done();
  });
  const timer = setInterval(() => {
    const elapsed = now() - began;
    const due = Math.min(most, Math.floor((elapsed / 1000) * rate), acked.length + kAhead);
    let text = '';
    while (updates.length < due) {
      const key = keys[random.below(keys.length)];
      const removes = random() < 1 / removals;
      const data = removes ? '' : `,"data":${JSON.stringify(dataOf(key, updates.length))}`;
      text += `{"channel":${JSON.stringify(channel)},"key":${JSON.stringify(key)}${data}}\n`;
      updates.push({ key, removes });
    }
    if (text !== '') socket.write(text);
    if (updates.length < most && elapsed < seconds * 1000) return;
    clearInterval(timer);
    finishing = true;
    if (acked.length === updates.length) done();
  }, kTick);
}

if (!isMainThread && workerData?.shared !== undefined) publish(workerData);
