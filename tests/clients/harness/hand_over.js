// Debian's nginx with apps/hand-over.conf, between the pages, an application and the broker.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { request } from '../../e2e/harness/broker.js';
import { start } from '../../e2e/harness/command.js';
import { temporaryFolder } from '../../e2e/harness/folder.js';
import { freePort } from '../../e2e/harness/free_port.js';
import { until } from '../../e2e/harness/wait.js';

// Resolves with its port.
export async function handOver(t, { application, broker }) {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'tmp'));
  const port = await freePort();
  const text = readFileSync(new URL('../apps/hand-over.conf', import.meta.url), 'utf8')
    .replace('127.0.0.1:8000', `127.0.0.1:${port}`).replace('127.0.0.1:3000', `127.0.0.1:${application}`)
    .replace('127.0.0.1:8080', `127.0.0.1:${broker}`);
  writeFileSync(join(folder, 'nginx.conf'), text);
  const nginx = start('/usr/sbin/nginx', ['-p', `${folder}/`, '-c', 'nginx.conf', '-e', 'stderr']);
  t.after(() => nginx.child.kill('SIGTERM'));
  await until(() => request(`http://127.0.0.1:${port}/`), () => `nginx answers: ${nginx.stderr}`, 20);
  return port;
}
