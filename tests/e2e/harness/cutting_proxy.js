// CuttingProxy: a TCP proxy that passes bytes on until it is told to cut: then both ends see a reset
// or an end in the middle of whatever was under way.
import net from 'node:net';

import { isSubscribers, kScheme } from './transport.js';

export class CuttingProxy {
  static async start(targetPort) {
    const proxy = new CuttingProxy();
    proxy.pairs = new Set();
    proxy.cuts = 0;
    proxy.passed = ''; // to clients, over all connections
    proxy.waiting = null;
    proxy.last = null;
    proxy.server = net.createServer((near) => {
      if (proxy.waiting) proxy.waiting.push(near);
      else proxy.join(near, targetPort);
    });
    proxy.targetPort = targetPort;
    await new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    isSubscribers(proxy.url);
    return proxy;
  }

  get port() { return this.server.address().port; }
  get url() { return `${kScheme}://127.0.0.1:${this.port}`; }

  // `keepsText`: what passes to clients is in `passed`; only for tests with few bytes.
  keepText() { this.keeps = true; }

  join(near, targetPort) {
    const far = net.connect(targetPort, '127.0.0.1');
    const pair = { near, far };
    this.pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      this.pairs.delete(pair);
    };
    near.on('error', end).on('close', end);
    far.on('error', end).on('close', end);
    near.pipe(far);
    if (!this.keeps) return far.pipe(near);
    far.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      const stop = this.last === null ? -1 : text.indexOf(this.last);
      const part = stop < 0 ? text : text.slice(0, stop + this.last.length);
      this.passed += part;
      if (stop < 0) return near.write(bytes);
      this.last = null;
      this.cuts += 1;
      near.write(Buffer.from(part, 'latin1'), () => setImmediate(end));
    });
  }

  // Every connection, or a random share of them (0..1). Half of the cuts are resets.
  cut(share = 1, random = Math.random) {
    for (const { near, far } of [...this.pairs]) {
      if (random() >= share) continue;
      this.cuts += 1;
      if (random() < 0.5) {
        near.resetAndDestroy();
        far.resetAndDestroy();
      } else {
        near.destroy();
        far.destroy();
      }
    }
  }

  // The connections that are open pass nothing on any more, and stay open: the network is gone, and nobody was told.
  freeze() {
    for (const { near, far } of this.pairs) {
      near.unpipe().pause();
      far.unpipe().pause();
    }
  }

  // The next connection that is sent `text` is cut right behind it. Needs keepText().
  cutBehind(text) { this.last = text; }

  // Connections wait until release().
  hold() { this.waiting ??= []; }
  release() {
    const waiting = this.waiting ?? [];
    this.waiting = null;
    for (const near of waiting) if (!near.destroyed) this.join(near, this.targetPort);
  }

  close() {
    this.release();
    this.cut();
    this.server.close();
  }
}
