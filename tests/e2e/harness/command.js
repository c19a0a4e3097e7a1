// Commands: other programs, run to their end or alongside the test; whatever the test starts ends with it, by its own
// process id.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { curlArguments } from './transport.js';
import { within } from './wait.js';

export const kBinary = process.env.FANFARE_BINARY ??
  fileURLToPath(new URL('../../../build/dev/fanfare', import.meta.url));

// Runs a command without io_uring, which container engines forbid by default.
export const kWithoutUring = process.env.FANFARE_WITHOUT_URING ??
  fileURLToPath(new URL('../../../build/dev/tests/e2e/without-uring', import.meta.url));

// FANFARE_BACKEND=epoll has every program that a test starts run like that, so that each broker is on epoll.
const kBackend = process.env.FANFARE_BACKEND ?? 'auto';
if (!['auto', 'epoll'].includes(kBackend)) throw new Error(`FANFARE_BACKEND=${kBackend}`);
export const kBackends = kBackend === 'auto' ? ['io_uring', 'epoll'] : [kBackend]; // for tests of both

const running = new Set();
process.on('exit', (code) => {
  for (const child of running) child.kill('SIGKILL');
  // At once: node 20 takes its handles down first, and spins for ever there when a socket was reset
  // while it was shutting down (the cutting proxy's trade).
  process.exit(code);
});

// A process alongside the test. `stdout` and `stderr` grow; `ended` resolves with {code, signal}.
export function start(program, given, { env = {}, cwd, stdin = 'ignore' } = {}) {
  const args = program === 'curl' ? curlArguments(given) : given;
  const [command, ...words] = [...(kBackend === 'epoll' ? [kWithoutUring] : []), program, ...args];
  const child = spawn(command, words, {
    cwd,
    env: { ...process.env, ...env },
    stdio: [stdin, 'pipe', 'pipe'],
  });
  running.add(child);
  const process_ = { child, pid: child.pid, stdout: '', stderr: '', running: true };
  child.stdout.setEncoding('utf8').on('data', (text) => { process_.stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { process_.stderr += text; });
  process_.ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      process_.running = false;
      resolve({ code, signal });
    });
  });
  process_.ended.catch(() => {});
  return process_;
}

// To its end; `input` is a string or Buffer for standard input. Resolves with {code, stdout, stderr}.
export async function run(program, args, { input, seconds = 30, ...options } = {}) {
  const process_ = start(program, args, { ...options, stdin: input === undefined ? 'ignore' : 'pipe' });
  if (input !== undefined) {
    process_.child.stdin.on('error', () => {}); // the program may end without reading all of it
    process_.child.stdin.end(input);
  }
  try {
    const { code, signal } = await within(process_.ended, `${program} ${args.join(' ')}`, seconds);
    return { code, signal, stdout: process_.stdout, stderr: process_.stderr };
  } finally {
    if (process_.running) process_.child.kill('SIGKILL');
  }
}

// `fanfare …`, to its end.
export function fanfare(args, options) {
  return run(kBinary, args, options);
}
