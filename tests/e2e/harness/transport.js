// Transport: the ways in which the same request reaches a broker. FANFARE_TRANSPORT has the test files that do not speak of one
// run over each: http1 (in clear; the default), tls (HTTP/1.1 over TLS), h2c (HTTP/2 by prior knowledge), h2 (over TLS).
// The admin pages and the ingest socket have no such choice.
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import tls from 'node:tls';

import { fanfare } from './command.js';
import { temporaryFolder } from './folder.js';

export const kTransport = process.env.FANFARE_TRANSPORT ?? 'http1';
export const kEncrypted = kTransport === 'tls' || kTransport === 'h2';
export const kHttp2 = kTransport === 'h2c' || kTransport === 'h2';
export const kScheme = kEncrypted ? 'https' : 'http';
if (!['http1', 'tls', 'h2c', 'h2'].includes(kTransport)) throw new Error(`FANFARE_TRANSPORT=${kTransport}`);

let pair;
async function makePair() {
  const folder = temporaryFolder();
  const { code, stderr } = await fanfare(['cert', '--self-signed', folder]);
  if (code !== 0) throw new Error(stderr);
  const certificate = join(folder, 'certificate.pem');
  // Programs that the test starts: curl, and node's own fetch, which reads it when it is used first.
  process.env.CURL_CA_BUNDLE = certificate;
  process.env.SSL_CERT_FILE = certificate;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  return { certificate, key: join(folder, 'key.pem') };
}

// Paths of PEM files. One pair for all.
export async function certificate() {
  pair ??= makePair();
  return pair;
}

// What every broker of the test is given on top: `port` is that of its TLS listener.
export async function settings(port) {
  if (!kEncrypted) return [];
  const files = await certificate();
  return [`listen.https=127.0.0.1:${port}`, `tls.certificate=${files.certificate}`, `tls.key=${files.key}`];
}

const origins = new Set(); // of subscriber listeners, and of what passes bytes to them
export function isSubscribers(origin) { origins.add(origin); }

// curl, as far as it is to speak to a subscriber listener: `curl(...)` in place of 'curl', [...].
export function curlArguments(args) {
  if (!args.some((one) => origins.has(/^https?:\/\/[^/]+/.exec(one)?.[0]))) return args;
  return [...(kTransport === 'h2c' ? ['--http2-prior-knowledge'] : kTransport === 'h2' ? ['--http2'] : ['--http1.1']), ...args];
}

export const kBrowserFlags = kEncrypted ? ['--ignore-certificate-errors'] : [];

// A bare connection to a subscriber listener: the bytes inside TLS, if that is how it is reached.
export function connect(port) {
  if (!kEncrypted || !origins.has(`${kScheme}://127.0.0.1:${port}`)) return net.connect(port, '127.0.0.1');
  const ALPNProtocols = ['http/1.1'];
  return tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols, allowHalfOpen: true });
}
export const connected = (socket) => (socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect');

// As http.request(), whatever carries it. `answered` gets {statusCode, headers, complete} that is a stream.
export function send(url, { method = 'GET', headers = {}, socketPath } = {}, answered) {
  const ours = socketPath === undefined && origins.has(new URL(url).origin);
  if (ours && kHttp2) return sendOverHttp2(url, method, headers, answered);
  const [module, more] = ours && kEncrypted ? [https, { rejectUnauthorized: false }] : [http, { socketPath }];
  return module.request(url, { method, headers, agent: false, ...more }, answered);
}

// A socket that is read whether or not anybody wants its bytes: HTTP/2 has windows of its own. A session of Node's that is given
// the socket itself reads it below Node's streams, and does not hear that it was reset while it does not read.
class ReadSocket extends Duplex {
  constructor(socket) {
    super();
    this.socket = socket;
    socket.on('data', (bytes) => this.push(bytes));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  _read() {}
  _write(bytes, _encoding, written) { this.socket.write(bytes, written); }
  _final(ended) { this.socket.end(ended); }
  _destroy(error, destroyed) {
    this.socket.destroy();
    destroyed(error);
  }
}

const kOfConnections = new Set(['connection', 'host', 'transfer-encoding', 'keep-alive']);
function sendOverHttp2(url, method, headers, answered) {
  const { origin, hostname, host, port, pathname, search } = new URL(url);
  const fields = Object.fromEntries(Object.entries(headers).filter(([name]) => !kOfConnections.has(name.toLowerCase())));
  const socket = new ReadSocket(kEncrypted
    ? tls.connect({ port, host: hostname, rejectUnauthorized: false, ALPNProtocols: ['h2'] }) : net.connect(port, hostname));
  const session = http2.connect(origin, { createConnection: () => socket });
  const stream = session.request({ ':method': method, ':path': pathname + search, ':authority': headers.Host ?? host, ...fields },
    { endStream: method === 'GET' || method === 'HEAD' });
  session.on('error', (error) => stream.destroy(error));
  let responded = false;
  const ended = () => {
    session.close();
    if (!responded) stream.emit('error', Object.assign(new Error('it ended without an answer'), { code: 'ECONNRESET' }));
  };
  stream.on('close', ended);
  socket.on('close', ended); // which the session does not tell a stream that waits for it to begin
  stream.on('response', (answer) => {
    responded = true;
    const named = Object.fromEntries(Object.entries(answer).filter(([name]) => !name.startsWith(':')));
    stream.statusCode = answer[':status'];
    stream.headers = named;
    let ended = false;
    stream.on('end', () => { ended = true; });
    Object.defineProperty(stream, 'complete', { get: () => ended && !stream.aborted && stream.rstCode === 0 });
    answered(stream);
  });
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (error) => { // as a request over HTTP/1.1: its connection goes with it
    destroy(error);
    session.destroy();
    return stream;
  };
  return stream;
}
