// Packs the admin pages into one C++ source: every file of this folder that a browser asks for, and
// what npm installed for them, as it is and compressed. `node pack.mjs <node_modules> <assets.cc>`.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { compressed, constant, kView } from '../../../deploy/cmake/embed.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [modules, output] = process.argv.slice(2);

const types = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};
const pages = { 'live.html': '/', 'operators.html': '/connections' };

// What the pages share stands where a comment names it.
const isPart = (name) => name.endsWith('.part.html');
function read(name) {
  if (extname(name) !== '.html') return readFileSync(join(here, name));
  const page = readFileSync(join(here, name), 'utf8');
  return Buffer.from(page.replace(/^ *<!-- (\S+) -->\n/gm, (_, part) => readFileSync(join(here, part), 'utf8')));
}

const own = readdirSync(here)
  .filter((name) => extname(name) in types && !isPart(name))
  .map((name) => ({ path: pages[name] ?? `/assets/${name}`, name, content: read(name) }));

const installed = [
  ['/assets/uplot.js', 'uplot/dist/uPlot.esm.js'],
  ['/assets/uplot.css', 'uplot/dist/uPlot.min.css'],
  ['/assets/inter.woff2', '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2'],
].map(([path, name]) => ({ path, name, content: readFileSync(join(modules, name)) }));

// The licences ask to travel with what they cover.
const licences = ['uplot', '@fontsource-variable/inter']
  .map((name) => `${name}\n\n${readFileSync(join(modules, name, 'LICENSE'), 'utf8')}`)
  .join('\n\n----\n\n');
installed.push({ path: '/assets/licences.txt', name: 'licences.txt', content: Buffer.from(licences) });

const assets = [...own, ...installed]
  .sort((a, b) => (a.path < b.path ? -1 : 1))
  .map((asset) => ({ ...asset, packed: compressed(asset.content) }));

writeFileSync(
  output,
  `// Written by broker/admin/page/pack.mjs; do not edit.
#include "broker/admin/assets.h"

#include <array>

namespace fanfare::admin {
namespace {

${assets.map((asset, i) => `// ${asset.name}\n${constant(`kBytes${i}`, asset.content)}${asset.packed ? constant(`kPacked${i}`, asset.packed) : ''}`).join('')}

${kView}
}  // namespace

std::span<const Asset> assets() {
  static const std::array<Asset, ${assets.length}> kAssets{{
${assets.map((asset, i) => `      {"${asset.path}", "${types[extname(asset.name)]}", view(kBytes${i}), ${asset.packed ? `view(kPacked${i})` : '{}'}},`).join('\n')}
  }};
  return kAssets;
}

}  // namespace fanfare::admin
`,
);
