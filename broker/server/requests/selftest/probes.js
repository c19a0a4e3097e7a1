// Probes: each measures one thing and resolves with plain facts; no probe rejects. What they mean is for page.js.
const kOwn = ['idle', 'lang']; // the page's parameters; a token is passed on

export function url(name, more = {}) {
  const query = new URLSearchParams(location.search);
  for (const own of kOwn) query.delete(own);
  for (const [key, value] of Object.entries(more)) query.set(key, value);
  return new URL(`selftest/${name}${query.size > 0 ? `?${query}` : ''}`, location.href).href;
}

const now = () => performance.now();
const mark = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (byte) => (byte % 36).toString(36)).join('');

const ask = (name, more, headers, signal) =>
  fetch(url(name, more), { headers: { Accept: 'text/event-stream', ...headers }, cache: 'no-store', signal });

// What arrived at the broker of a request, and here of its answer.
export async function echo() {
  const sent = mark();
  try {
    const answer = await ask('echo', { at: sent }, { 'Last-Event-ID': 'selftest-0', 'Fanfare-Selftest': sent }, AbortSignal.timeout(15_000));
    if (!answer.ok) return { status: answer.status, text: (await answer.text()).slice(0, 300) };
    const seen = await answer.json();
    const entry = performance.getEntriesByName(answer.url).at(-1);
    return {
      status: 200, seen, protocol: entry?.nextHopProtocol ?? '', headers: Object.fromEntries(answer.headers),
      idArrives: seen.fields['last-event-id'] === 'selftest-0', fieldArrives: seen.fields['fanfare-selftest'] === sent,
      answerArrives: answer.headers.get('fanfare-selftest') === sent,
    };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

// A stream that says something each second: when does it arrive? `patience` in ms.
export async function stream(patience = 9000) {
  const began = now();
  const facts = { head: null, arrivals: [], beats: [], encoding: '', type: '', cache: '' };
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), patience);
  try {
    const answer = await ask('stream', { heartbeat: '1s' }, {}, controller.signal);
    facts.status = answer.status;
    facts.head = now() - began;
    for (const [key, name] of [['encoding', 'content-encoding'], ['type', 'content-type'], ['cache', 'cache-control']]) {
      facts[key] = answer.headers.get(name) ?? '';
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    while (answer.ok && facts.beats.length < 4) {
      const { done, value } = await reader.read();
      if (done) break;
      facts.arrivals.push(now() - began);
      for (const line of value.split('\n')) if (line === ':') facts.beats.push(now() - began);
    }
  } catch (error) {
    if (error.name !== 'AbortError') facts.error = error.name;
  }
  clearTimeout(timer);
  controller.abort();
  facts.took = now() - began;
  return facts;
}

// A stream that ends at once, complete or not: can the two be told apart here?
export async function end(as) {
  try {
    const answer = await ask('end', { as }, {}, AbortSignal.timeout(15_000));
    if (!answer.ok) return { status: answer.status };
    try {
      const text = await answer.text();
      return { status: 200, clean: true, whole: text.includes('event: selftest') };
    } catch {
      return { status: 200, clean: false };
    }
  } catch (error) {
    // An end that comes with the head is an error of the request; one that took too long is none.
    return error.name === 'TimeoutError' ? { error: 'TimeoutError' } : { status: 200, clean: false };
  }
}

// A plain EventSource: does it open, come back, and say where it was?
export function eventSource(patience = 12_000) {
  return new Promise((resolve) => {
    const began = now();
    const facts = { opened: null, ids: [], stopped: false };
    const source = new EventSource(url('end', { as: 'come-back' }));
    const done = () => {
      clearTimeout(timer);
      facts.stopped = source.readyState === EventSource.CLOSED;
      source.close();
      resolve(facts);
    };
    const timer = setTimeout(done, patience);
    source.onopen = () => { facts.opened ??= now() - began; };
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) done(); };
    source.addEventListener('selftest', (event) => {
      facts.ids.push(JSON.parse(event.data));
      if (facts.ids.length === 2) done();
    });
  });
}

// A stream that is silent: for how long does it live? At most `patience` ms; `tell(ms)` now and then.
export async function idle(patience, tell) {
  const began = now();
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), patience);
  const ticker = setInterval(() => tell(now() - began), 500);
  const facts = { lived: 0, cut: false, last: null };
  try {
    const answer = await ask('stream', { heartbeat: '1d' }, {}, controller.signal);
    facts.status = answer.status;
    const reader = answer.body.getReader();
    for (;;) {
      const { done } = await reader.read();
      if (done) break;
      facts.last = now() - began;
    }
    facts.cut = true;
  } catch (error) {
    facts.cut = error.name !== 'AbortError';
  }
  clearTimeout(timer);
  clearInterval(ticker);
  facts.lived = now() - began;
  controller.abort();
  return facts;
}

// Which front it is, by what it says of itself; "unknown" if there is one that says nothing; "" if none is seen.
export function recognise({ headers, seen, protocol }) {
  const server = (headers.server ?? '').toLowerCase();
  const via = `${headers.via ?? ''} ${seen.fields.via ?? ''}`.toLowerCase();
  const kinds = [
    ['cloudflare', headers['cf-ray'] || server.includes('cloudflare')],
    ['cloudfront', headers['x-amz-cf-id'] || via.includes('cloudfront')],
    ['fastly', (headers['x-served-by'] ?? '').startsWith('cache-')],
    ['varnish', headers['x-varnish'] || via.includes('varnish')],
    ['nghttpx', via.includes('nghttpx') || server.startsWith('nghttpx')],
    ['caddy', via.includes('caddy') || server.includes('caddy')],
    ['h2o', server.startsWith('h2o')],
    ['nginx', /nginx|openresty|tengine/.test(server)],
    ['apache', server.startsWith('apache')],
    ['envoy', server.includes('envoy') || 'x-envoy-upstream-service-time' in headers],
  ];
  const known = kinds.find(([, is]) => is);
  if (known) return known[0];
  const family = { 'http/1.0': 'HTTP/1.0', 'http/1.1': 'HTTP/1.1', h2: 'HTTP/2', h3: 'HTTP/3' }[protocol];
  const another = (family && family !== seen.version) || seen.noticed.length > 0 || via.trim() || server || headers['x-cache'];
  return another ? 'unknown' : '';
}
