// A port for a program that cannot say which one the kernel chose; it was free a moment ago. It lies below
// those that the kernel gives to connections, and is drawn: tests that run side by side do not meet.
import { createServer } from 'node:net';

const kLowest = 12_000;
const kHighest = 31_999;

function listens(server, port) {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
}

export async function freePort() {
  for (;;) {
    const port = kLowest + Math.floor(Math.random() * (kHighest - kLowest + 1));
    const server = createServer();
    if (!(await listens(server, port))) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
