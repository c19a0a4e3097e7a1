// Raw bytes on a socket: what no well-behaved client would send, and exactly what comes back.
import net from 'node:net';

import { connect, connected } from './transport.js';
import { within } from './wait.js';

export class RawConnection {
  // `to`: a port of 127.0.0.1, or the path of a Unix socket.
  static async open(to) {
    const raw = new RawConnection();
    raw.received = '';
    raw.closed = false; // by the other side
    raw.reset = false;
    raw.socket = typeof to === 'number' ? connect(to) : net.connect(to);
    raw.socket.setNoDelay?.(true);
    raw.waiters = new Set();
    const look = () => { for (const waiter of raw.waiters) waiter(); };
    raw.socket.setEncoding('latin1').on('data', (text) => { raw.received += text; look(); });
    raw.socket.on('end', () => { raw.closed = true; look(); });
    raw.socket.on('close', () => { raw.closed = true; look(); });
    await new Promise((resolve, reject) => {
      raw.socket.once(connected(raw.socket), resolve);
      raw.socket.once('error', reject);
    });
    raw.socket.on('error', () => { raw.reset = true; });
    return raw;
  }

  send(bytes) {
    this.socket.write(bytes, typeof bytes === 'string' ? 'latin1' : undefined);
    return this;
  }

  // Resolves with everything received as soon as it satisfies `fact(received, closed)`.
  async until(fact, what, seconds = 10) {
    const holds = new Promise((resolve) => {
      const waiter = () => {
        if (!fact(this.received, this.closed)) return;
        this.waiters.delete(waiter);
        resolve(this.received);
      };
      this.waiters.add(waiter);
      waiter();
    });
    return within(holds, () => `${what}; received: ${JSON.stringify(this.received.slice(0, 500))}`, seconds);
  }

  untilClosed(seconds) { return this.until((_, closed) => closed, 'the broker closes', seconds); }
  close() { this.socket.destroy(); }
}

// Sends `bytes` on a connection of its own; resolves with what was received until the broker closed.
export async function sendUntilClosed(to, bytes, seconds) {
  const raw = await RawConnection.open(to);
  try {
    return await raw.send(bytes).untilClosed(seconds);
  } finally {
    raw.close();
  }
}
