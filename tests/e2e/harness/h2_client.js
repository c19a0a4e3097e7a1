// H2Client: a browser's one connection to a front, over TLS and HTTP/2, from an address of its own.
import http2 from 'node:http2';

// As browsers have them (Chromium: 6 and 15 MiB), but for the size: one stream that is not read does not hold the others.
const kStreamWindow = 1024 * 1024;
const kConnectionWindow = 16 * kStreamWindow;

export class H2Client {
  constructor(url, from) {
    this.url = url;
    this.from = from;
    this.connect();
  }

  connect() {
    this.session = http2.connect(this.url, {
      rejectUnauthorized: false, localAddress: this.from, family: 4, settings: { initialWindowSize: kStreamWindow },
    });
    this.session.on('error', (error) => { this.error = error; });
    this.session.on('connect', () => this.session.setLocalWindowSize(kConnectionWindow));
  }

  // A request as an EventSource makes it: {status, fields, text, data, heartbeats, lastId, ended, clean} as they become known.
  ask(path, fields = {}) {
    if (this.session.closed || this.session.destroyed) this.connect(); // the front closed it while it had no stream
    const stream = this.session.request({
      ':path': path, accept: 'text/event-stream', 'cache-control': 'no-cache', ...fields,
    });
    const answer = { stream, text: '', data: [], heartbeats: 0, ended: false, leave: () => stream.close(http2.constants.NGHTTP2_CANCEL) };
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('response', (head) => { answer.status = head[':status']; answer.fields = head; });
    stream.on('data', (text) => {
      answer.text += text;
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith('data: ')) answer.data.push(line.slice(6));
        if (line === ':') answer.heartbeats += 1;
        if (line.startsWith('id: ')) answer.lastId = line.slice(4);
      }
    });
    let whole = false;
    stream.on('end', () => { whole = true; });
    stream.on('error', () => {});
    stream.on('close', () => {
      answer.clean = whole && stream.rstCode === http2.constants.NGHTTP2_NO_ERROR;
      answer.ended = true;
    });
    return answer;
  }

  close() { this.session.destroy(); }
}
