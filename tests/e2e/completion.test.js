// Shells complete the command line: what a person sees who presses the tabulator in a terminal.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

import { fanfare, kBinary, run } from './harness/command.js';
import { temporaryFolder } from './harness/folder.js';
import { until } from './harness/wait.js';

const folder = temporaryFolder();
const server = join(folder, 'tmux');
const path = `${dirname(kBinary)}:${process.env.PATH}`;
const tmux = async (...args) => {
  const { code, stdout, stderr } = await run('tmux', ['-S', server, '-f', '/dev/null', ...args], { env: { PATH: path, TERM: 'xterm' } });
  assert.equal(code, 0, stderr);
  return stdout;
};
after(() => tmux('kill-server').catch(() => {}));

const script = {};
for (const shell of ['bash', 'zsh', 'fish']) {
  const { code, stdout } = await fanfare(['completion', shell]);
  assert.equal(code, 0);
  mkdirSync(join(folder, shell));
  script[shell] = join(folder, shell, '_fanfare');
  writeFileSync(script[shell], stdout);
}
writeFileSync(join(folder, 'broker.toml'), '');

// A shell in a terminal of its own, in the folder of the test.
class Terminal {
  constructor(shell) { this.shell = shell; }

  async open(command, ...lines) {
    await tmux('new-session', '-d', '-s', this.shell, '-x', '120', '-y', '40', '-c', folder, command);
    for (const line of [...lines, "PS1='> '", 'clear']) await tmux('send-keys', '-t', this.shell, '-l', `${line}\n`);
    await this.shows(/^> $/, 'the prompt');
    return this;
  }

  screen() { return tmux('capture-pane', '-p', '-t', this.shell); }

  shows(pattern, what) {
    return until(async () => pattern.test((await this.screen()).trimEnd().concat('').replace(/>$/, '> ')), async () => `${what}; ${await this.screen()}`, 20);
  }

  // What stands on the line after `typed` and one or two tabulators.
  async completes(typed, pattern, tabulators = 1) {
    await tmux('send-keys', '-t', this.shell, 'C-u', 'C-l');
    await this.shows(/^> $/, 'an empty line');
    await tmux('send-keys', '-t', this.shell, '-l', typed);
    for (let i = 0; i < tabulators; ++i) await tmux('send-keys', '-t', this.shell, 'Tab');
    await this.shows(pattern, `${this.shell} completes ${typed}`);
  }
}

async function completesWhatThereIs(terminal) {
  await terminal.completes('fanfare ser', /^> fanfare serve\b/);
  await terminal.completes('fanfare --ver', /^> fanfare --version\b/);
  await terminal.completes('fanfare serve --conf', /^> fanfare serve --config\b/);
  await terminal.completes('fanfare check --config br', /^> fanfare check --config broker\.toml/);
  await terminal.completes('fanfare serve --set delivery.heartbeat_e', /^> fanfare serve --set delivery\.heartbeat_event=$/);
  await terminal.completes('fanfare completion z', /^> fanfare completion zsh/);
  await terminal.completes('fanfare tail --', /--replay[^]*--wait/, 2);
}

test('bash completes commands, options, files and keys', async () => {
  await completesWhatThereIs(await new Terminal('bash').open('bash --norc --noprofile', `. ${script.bash}`));
});

test('zsh does, from a folder of its $fpath', async () => {
  await completesWhatThereIs(await new Terminal('zsh').open('zsh -f',
    `fpath=(${dirname(script.zsh)} $fpath)`, 'autoload -U compinit && compinit -D -u'));
});

test('fish does', async () => {
  const offered = async (line) => {
    const { code, stdout, stderr } = await run('fish', ['--no-config', '-c', `source ${script.fish}; complete -C ${JSON.stringify(line)}`],
      { cwd: folder, env: { PATH: path, HOME: folder } });
    assert.equal(code, 0, stderr);
    return stdout.split('\n').map((one) => one.split('\t')[0]).filter(Boolean);
  };
  assert.deepEqual(await offered('fanfare ser'), ['serve']);
  assert.deepEqual(await offered('fanfare serve --conf'), ['--config']);
  assert.deepEqual(await offered('fanfare check --config br'), ['broker.toml']);
  assert.deepEqual(await offered('fanfare serve --set delivery.heartbeat_e'), ['delivery.heartbeat_event=']);
  assert.deepEqual((await offered('fanfare completion ')).sort(), ['bash', 'fish', 'zsh']);
});
