// The people who are online, with Express. A page asks for the people in a room: the broker lists the streams, and the subjects
// of their tokens say whose they are. A hook says which rooms have anybody in them, so that work for the others can stop.
import { createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';

import express from 'express';

function subscribers(socketPath, room, after = '') {
  return new Promise((resolve, reject) => {
    http.get({ socketPath, path: `/channels/room/${room}/subscribers?limit=1000${after}` }, async (answer) => {
      let text = '';
      for await (const piece of answer.setEncoding('utf8')) text += piece;
      if (answer.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(text));
    }).on('error', reject);
  });
}

async function people(socketPath, room) {
  const names = new Set(); // one person may have seven tabs
  for (let after = ''; after !== undefined;) {
    const page = await subscribers(socketPath, room, after);
    for (const { sub } of page.subscribers) if (sub) names.add(sub);
    after = page.next && `&after=${page.next}`;
  }
  return [...names].sort();
}

export function online({ socket, secret }) {
  const rooms = new Set();
  let newest = 0; // a post that comes late, or again, is out of date
  const signedBy = (time, body) => createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex');
  const app = express();

  app.get('/online/:room', async (request, response) => {
    response.json(await people(socket, encodeURIComponent(request.params.room)));
  });

  app.post('/hooks', express.raw({ type: 'application/json' }), (request, response) => {
    const time = request.get('Fanfare-Timestamp');
    const given = Buffer.from(request.get('Fanfare-Signature') ?? '');
    const right = Buffer.from(`sha256=${signedBy(time, request.body)}`);
    const fresh = Math.abs(Date.now() / 1000 - time) < 300;
    if (!fresh || given.length !== right.length || !timingSafeEqual(given, right)) return response.sendStatus(401);
    const { id, events } = JSON.parse(request.body);
    const number = Number(id.split('.').at(-1));
    if (events[0].name !== 'reset' && number <= newest) return response.sendStatus(204);
    newest = number;
    for (const { name, channel } of events) {
      if (name === 'reset') rooms.clear();
      if (name === 'channel_occupied') rooms.add(channel);
      if (name === 'channel_vacant') rooms.delete(channel);
    }
    response.sendStatus(204);
  });

  return { app, rooms };
}
