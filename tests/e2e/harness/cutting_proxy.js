// CuttingProxy: a TCP proxy that passes bytes on until it is told to cut: then both ends see a reset
// or an end in the middle of whatever was under way.
import net from 'node:net';

export class CuttingProxy {
  static async start(targetPort) {
    const proxy = new CuttingProxy();
    proxy.pairs = new Set();
    proxy.cuts = 0;
    proxy.server = net.createServer((near) => proxy.join(near, targetPort));
    await new Promise((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port() { return this.server.address().port; }
  get url() { return `http://127.0.0.1:${this.port}`; }

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
    far.pipe(near);
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

  close() {
    this.cut();
    this.server.close();
  }
}
