// The systems that say who asks: a cookie, which is all that an EventSource can carry, and the Authorization of a
// POST, both with a token that the application has signed.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';

import { TokenIssuer } from '../e2e/harness/tokens.js';
import { shows, untilSeen } from './harness/stage.js';

const of = (noted, what) => noted.filter((one) => one.what === what);
const has = (what, count = 1) => (noted) => of(noted, what).length >= count;

const kSlowness = Number(process.env.FANFARE_SLOWNESS ?? 1);
const issuer = new TokenIssuer();
// The application's public key, and the two paths that need its tokens.
const kSigned = {
  passes: ['/ai/chat'],
  routes: (folder) => {
    writeFileSync(`${folder}/token.pem`, issuer.keyFile);
    return `[token]\nkeys = ["${folder}/token.pem"]\nleeway = "0s"\n` +
      '[[route]]\npath = "/sse"\nchannels = ["notes"]\n[[route]]\npath = "/ai/chat"\nchannels = ["chat"]\n';
  },
};

shows('3. an EventSource with credentials: the token in its cookie lets it in, and when that expires it resumes with the next', async (t, stage) => {
  const context = await stage.browser.newContext();
  t.after(() => context.close());
  const issue = (channels, how) => context.addCookies([
    { name: 'fanfare_token', value: issuer.token(channels, how), url: 'http://push.example.com/', sameSite: 'Lax', httpOnly: true }]);
  const stranger = await stage.open(t, 'credentials', { context });
  const refused = await untilSeen(stranger, has('error'), 'without a cookie it is refused');
  assert.equal(of(refused, 'error')[0].state, 2);
  await issue(['orders']);
  const other = await stage.open(t, 'credentials', { context });
  assert.equal(of(await untilSeen(other, has('error'), 'a token for another channel does not do'), 'error')[0].state, 2);

  await issue(['notes'], { seconds: 5 * kSlowness });
  const page = await stage.open(t, 'credentials', { context });
  await untilSeen(page, has('open'), 'it opens');
  await issue(['notes']); // as an application renews it in time
  await stage.broker.publish('notes', 'before');
  await untilSeen(page, has('error'), 'the first token expires', 20);
  await stage.broker.publish('notes', 'after');
  const noted = await untilSeen(page, has('message', 2), 'it is back with the next one', 20);
  assert.deepEqual(noted.map(({ what, data, state }) => data ?? state ?? what), ['created', 1, 'before', 0, 1, 'after']);
  return 'no cookie, or one for another channel: readyState 2; a good one opens, at its end readyState 0, and the next one resumes';
}, kSigned);

shows('5. fetch-event-source by POST: the broker itself looks at the Authorization', async (t, stage) => {
  const ask = async (token) => {
    const page = await stage.open(t, 'chat', { query: '?throw' });
    await page.evaluate((text) => { window.token = text; }, token);
    await page.click('#ask');
    return page;
  };
  const refused = await ask(issuer.token(['chat']).replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A')));
  const [answer] = of(await untilSeen(refused, has('open'), 'a token that nobody signed'), 'open');
  assert.equal(answer.status, 401);
  const page = await ask(issuer.token(['chat'], { sub: 'me' }));
  const [opened] = of(await untilSeen(page, has('open'), 'it opens'), 'open');
  assert.equal(opened.status, 200);
  await stage.broker.publish('chat', '{"text":"for you"}');
  const [message] = of(await untilSeen(page, has('message'), 'the message arrives'), 'message');
  return `${answer.status} for a token with another signature, ${opened.status} and "${message.text}" for a good one`;
}, kSigned);
