// Files as constants of a C++ source: what pack.mjs of the admin pages, and of the browser module, write.
import { gzipSync } from 'node:zlib';

// `constexpr unsigned char NAME[] = {…};`
export function constant(name, bytes) {
  const lines = [];
  for (let i = 0; i < bytes.length; i += 32) lines.push(`    ${[...bytes.subarray(i, i + 32)].join(',')},`);
  return `constexpr unsigned char ${name}[] = {\n${lines.join('\n')}\n};\n`;
}

// A std::string_view of such a constant is view(NAME).
export const kView = `template <std::size_t kSize>
std::string_view view(const unsigned char (&bytes)[kSize]) {
  return {reinterpret_cast<const char*>(bytes), kSize};
}
`;

// Compressed with gzip, or null if that would not make it smaller.
export function compressed(content) {
  const packed = gzipSync(content, { level: 9 });
  return packed.length < content.length * 0.95 ? packed : null;
}
