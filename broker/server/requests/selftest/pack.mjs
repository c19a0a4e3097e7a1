// The self-test's files as one C++ source. `node pack.mjs <node_modules> <selftest_files.cc>`; no packages are needed.
import { readFileSync, writeFileSync } from 'node:fs';

import { compressed, constant, kView } from '../../../../deploy/cmake/embed.mjs';

const output = process.argv[3];
const kFiles = [ // path, file, type
  ['/selftest', 'page.html', 'text/html; charset=utf-8'],
  ['/selftest/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/selftest/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/selftest/probes.js', 'probes.js', 'text/javascript; charset=utf-8'],
  ['/selftest/words.js', 'words.js', 'text/javascript; charset=utf-8'],
];
const files = kFiles.map(([path, file, type], index) => {
  const bytes = readFileSync(new URL(file, import.meta.url));
  return { path, type, index, bytes, gzip: compressed(bytes) };
});

writeFileSync(output, `// Written by broker/server/requests/selftest/pack.mjs; do not edit.
#include "broker/server/requests/selftest.h"

#include <array>

namespace fanfare::server {
namespace {

${files.map(({ index, bytes, gzip }) => constant(`kBytes${index}`, bytes) + constant(`kPacked${index}`, gzip)).join('')}
${kView}
}  // namespace

std::span<const SelftestFile> selftest_files() {
  static const std::array<SelftestFile, ${files.length}> kAll{{
${files.map(({ path, type, index }) => `      {"${path}", "${type}", view(kBytes${index}), view(kPacked${index})},`).join('\n')}
  }};
  return kAll;
}

}  // namespace fanfare::server
`);
