// Publishers: the three dialects over the ingest socket, pipelined, each ack kept. A publisher whose
// broker dies connects again; what was on its way then is neither acked nor lost: it is unknown.
import net from 'node:net';

import { within } from './wait.js';

// Splits a stream into lines.
class Lines {
  constructor(take) { this.take = take; this.text = ''; }
  push(text) {
    this.text += text;
    for (let end; (end = this.text.indexOf('\n')) >= 0;) {
      this.take(this.text.slice(0, end).replace(/\r$/, ''));
      this.text = this.text.slice(end + 1);
    }
  }
}

const dialects = {
  ndjson: {
    encode: (channel, data) => JSON.stringify({ channel, data }) + '\n',
    reader: (ack) => new Lines((line) => ack(JSON.parse(line).id)),
  },
  resp: {
    encode: (channel, data) => {
      const words = ['XADD', channel, '*', 'data', data];
      return `*${words.length}\r\n` +
        words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
    },
    // A bulk reply is two lines, of which the second is the id.
    reader: (ack) => new Lines((line) => {
      if (line.startsWith('-')) ack(undefined);
      else if (!line.startsWith('$')) ack(line);
    }),
  },
  http: {
    encode: (channel, data) => `POST /publish/${channel} HTTP/1.1\r\nHost: x\r\n` +
      `Content-Length: ${Buffer.byteLength(data)}\r\n\r\n${data}`,
    // Answers are small and come in order: an id per body.
    reader: (ack) => {
      let text = '';
      return {
        push(more) {
          text += more;
          for (;;) {
            const head = text.indexOf('\r\n\r\n');
            if (head < 0) return;
            const size = Number(/content-length: (\d+)/i.exec(text.slice(0, head))[1]);
            if (text.length < head + 4 + size) return;
            ack(JSON.parse(text.slice(head + 4, head + 4 + size)).id);
            text = text.slice(head + 4 + size);
          }
        },
      };
    },
  },
};

export const kDialects = Object.keys(dialects);

export class Publisher {
  constructor(socket, dialect) {
    this.path = socket;
    this.dialect = dialects[dialect];
    this.acked = []; // {id, channel, data}
    this.unknown = []; // sent, and the connection died before the ack
    this.refused = [];
  }

  connect() {
    return new Promise((resolve, reject) => {
      this.pending = [];
      const socket = net.connect(this.path);
      const reader = this.dialect.reader((id) => {
        const sent = this.pending.shift();
        if (id === undefined) this.refused.push(sent);
        else this.acked.push({ ...sent, id });
        this.waiter?.();
      });
      socket.setEncoding('utf8').on('data', (text) => reader.push(text));
      socket.on('connect', () => resolve(this));
      socket.on('error', reject);
      socket.on('close', () => {
        this.unknown.push(...this.pending);
        this.pending = [];
        this.gone = true;
        this.waiter?.();
      });
      this.gone = false;
      this.socket = socket;
    });
  }

  publish(channel, data) {
    if (this.gone) return false;
    this.pending.push({ channel, data });
    return this.socket.write(this.dialect.encode(channel, data));
  }

  // Every publish so far is acked, or the connection is gone.
  async settled(seconds = 30) {
    const all = new Promise((resolve) => {
      const look = () => { if (this.gone || this.pending.length === 0) resolve(); };
      this.waiter = look;
      look();
    });
    await within(all, 'every publish is answered', seconds);
  }

  close() { this.socket?.destroy(); }
}
