// A temporary folder that goes away with the test process, short enough for Unix socket paths.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = [];
// First of all: command.js ends the process there and then.
process.prependListener('exit', () => { for (const folder of folders) rmSync(folder, { recursive: true, force: true }); });

export function temporaryFolder() {
  folders.push(mkdtempSync(join(tmpdir(), 'fanfare-e2e-')));
  return folders.at(-1);
}
