// The broker's local socket in JSON lines, for applications: publish() and finish() resolve when the broker has
// numbered the event, and are rejected when nobody can say whether it has; watch() reports the streams that
// open and end. After a restart of the broker the next publish() connects again.
import net from 'node:net';

function eachLine(socket, take) {
  let text = '';
  socket.setEncoding('utf8').on('data', (more) => {
    const lines = (text + more).split('\n');
    text = lines.pop();
    for (const line of lines) take(JSON.parse(line));
  });
}

export function ingest(path) {
  let socket;
  let waiting;
  const connect = () => {
    const mine = net.connect(path);
    const answers = [];
    eachLine(mine, (reply) => answers.shift()(reply));
    mine.on('error', () => {}).on('close', () => {
      if (socket === mine) socket = undefined;
      for (const answer of answers) answer({ ok: false, error: 'the broker went away' });
    });
    [socket, waiting] = [mine, answers];
  };
  const say = (what) => new Promise((resolve, reject) => {
    if (!socket) connect();
    waiting.push((reply) => (reply.ok ? resolve(reply) : reject(new Error(reply.error))));
    socket.write(`${JSON.stringify(what)}\n`);
  });
  return {
    publish: (channel, data, more = {}) => say({ channel, data, ...more }),
    finish: (channel) => say({ op: 'finish', channel }),
    close: () => socket?.end(),
  };
}

export function watch(path, report) {
  const socket = net.connect(path);
  eachLine(socket, (notice) => { if (notice.event) report(notice); });
  socket.write('{"op":"watch"}\n');
  return { close: () => socket.end() };
}
