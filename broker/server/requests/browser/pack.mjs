// Makes fanfare.js small, and one C++ source of it. `node pack.mjs <node_modules> <browser_module_bytes.cc>`.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { compressed, constant, kView } from '../../../../deploy/cmake/embed.mjs';

const [modules, output] = process.argv.slice(2);
const { minify } = createRequire(`${modules}/`)('terser');
// What is declared with let, terser joins into one statement. The word const is for readers.
const source = readFileSync(new URL('fanfare.js', import.meta.url), 'utf8').replace(/\bconst /g, 'let ');
const { code } = await minify(source, {
  module: true, ecma: 2020,
  compress: { passes: 5, unsafe_arrows: true, keep_fargs: false },
  format: { semicolons: false },
});
const bytes = Buffer.from(code);
const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 16);

writeFileSync(
  output,
  `// Written by broker/server/requests/browser/pack.mjs; do not edit.
#include "broker/server/requests/browser_module.h"

namespace fanfare::server {
namespace {

${constant('kBytes', bytes)}${constant('kPacked', compressed(bytes))}
${kView}
}  // namespace

const BrowserModule& browser_module() {
  static const BrowserModule kModule{
      .bytes = view(kBytes), .gzip = view(kPacked), .etag = "W/\\"${hash}\\""};
  return kModule;
}

}  // namespace fanfare::server
`,
);
