// The self-test's page: runs the probes, says what their facts mean, and what to change. `?idle=300` waits that many seconds for
// a silent stream, `?lang=zh` chooses the language.
import { echo, end, eventSource, idle, recognise, stream } from './probes.js';
import { kBrokerLines, kFrontNames, kLines, kWords } from './words.js';

const kOrder = ['way', 'fields', 'stream', 'compress', 'ends', 'source', 'idle'];
const kSigns = { good: '✓', note: '!', bad: '✕', run: '' };
const kVersions = { 'http/1.0': 'HTTP/1.0', 'http/1.1': 'HTTP/1.1', h2: 'HTTP/2', h3: 'HTTP/3' };
const asked = new URLSearchParams(location.search);
const patience = Math.min(Math.max(Number(asked.get('idle') ?? 75) || 75, 3), 570) * 1000;

const element = (selector) => document.querySelector(selector);
let language = asked.get('lang') ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');
if (!(language in kWords)) language = 'en';
let facts = {};
let results = {}; // by probe: {state, say: (words) => text, problem}

// ---- what facts mean

const wayOf = ({ status, error, seen, protocol }, front) => {
  if (error || status === undefined) return { state: 'bad', say: (w) => w.way.failed };
  if (status !== 200) return { state: 'bad', say: (w) => w.way.closed(status) };
  const p = kVersions[protocol] ?? (protocol || 'HTTP');
  const six = protocol === 'http/1.1' || protocol === 'http/1.0';
  const say = (w) => (front === '' ? w.way.none(p, seen.version) : front === 'unknown' ? w.way.unknown(p, seen.version)
    : w.way.known(p, seen.version, kFrontNames[front])) + (six ? w.way.six : '');
  return { state: six ? 'note' : 'good', say, problem: six ? 'version' : undefined };
};

const fieldsOf = ({ idArrives, fieldArrives, answerArrives }, { type, status }) => {
  const bad = (say) => ({ state: 'bad', say, problem: 'fields' });
  if (!idArrives) return bad((w) => w.fields.request);
  if (!fieldArrives) return bad((w) => w.fields.other);
  if (!answerArrives) return bad((w) => w.fields.answer);
  if (status === 200 && !type.startsWith('text/event-stream')) return bad((w) => w.fields.type(type));
  return { state: 'good', say: (w) => w.fields.good };
};

// Four beats, a second apart as the broker sent them; half a second of them may be a wheel's or a network's.
const streamOf = ({ status, arrivals, beats, took, error }) => {
  const bad = (say, problem = 'buffer') => ({ state: 'bad', say, problem });
  if (status !== undefined && status !== 200) return bad((w) => w.stream.status(status), 'none');
  if (arrivals.length === 0) return error ? bad((w) => w.stream.cut, 'cut') : bad((w) => w.stream.nothing(took));
  const gaps = beats.slice(1).map((at, i) => at - beats[i]);
  const together = gaps.filter((gap) => gap < 250).length;
  if (together >= 2) return bad((w) => w.stream.lumps(beats.length, beats.at(-1)));
  if (beats.length < 4) return error ? bad((w) => w.stream.cut, 'cut') : bad((w) => w.stream.few(beats.length, took));
  return { state: 'good', say: (w) => w.stream.good(arrivals[0], (beats.at(-1) - beats[0]) / gaps.length) };
};

const compressOf = ({ encoding, cache, head, status }) => {
  if (head === null || status !== 200) return { state: 'note', say: (w) => w.unknown };
  if (encoding && encoding !== 'identity') return { state: 'bad', say: (w) => w.compress.bad(encoding), problem: 'compress' };
  if (!cache.includes('no-transform')) return { state: 'note', say: (w) => w.compress.transform, problem: 'none' };
  return { state: 'good', say: (w) => w.compress.good };
};

const endsOf = (complete, comeBack) => {
  if (complete.error || comeBack.error || complete.status !== 200 || comeBack.status !== 200) {
    return { state: 'bad', say: (w) => w.ends.failed, problem: 'buffer' };
  }
  if (!complete.clean) return { state: 'bad', say: (w) => w.ends.never, problem: 'none' };
  if (comeBack.clean) return { state: 'note', say: (w) => w.ends.hidden, problem: 'ends' };
  return { state: 'good', say: (w) => w.ends.good };
};

const sourceOf = ({ opened, ids, stopped }) => {
  const bad = (say, problem = 'none') => ({ state: 'bad', say, problem });
  if (ids.length === 2) {
    return ids[1] === 'selftest-1' ? { state: 'good', say: (w) => w.source.good(opened) } : bad((w) => w.source.id, 'fields');
  }
  if (stopped) return bad((w) => w.source.stopped);
  return ids.length === 0 ? bad((w) => w.source.silent, 'buffer') : bad((w) => w.source.once);
};

const idleOf = ({ lived, cut, status }, beat) => {
  if (status !== undefined && status !== 200) return { state: 'bad', say: (w) => w.idle.status(status), problem: 'none' };
  if (!cut && status === undefined) return { state: 'note', say: (w) => w.unknown };
  if (!cut) return { state: 'good', say: (w) => w.idle.good(lived) };
  // A heartbeat that comes just in time is too late now and then.
  if (lived > beat * 1.25) return { state: 'note', say: (w) => w.idle.kept(lived, beat) };
  return { state: 'bad', say: (w) => w.idle.bad(lived, beat), problem: 'cut' };
};

// ---- the page

function node(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function showProbe(name) {
  const words = kWords[language];
  const { state, say } = results[name];
  const row = element(`#probes li[data-probe="${name}"]`);
  row.dataset.state = state;
  row.querySelector('.sign').textContent = kSigns[state];
  row.querySelector('h3').textContent = words.probes[name];
  row.querySelector('p').textContent = say(words);
}

function remedy(problem) {
  const words = kWords[language];
  const [title, why] = words.remedy[problem];
  const card = node('article', undefined, { 'data-problem': problem });
  card.append(node('h3', title), node('p', why));
  const front = facts.front;
  const lines = kLines[problem]?.[front || 'unknown'] ?? (front === 'unknown' ? kLines[problem]?.haproxy : undefined);
  if (lines) {
    card.append(node('p', front === 'unknown' ? words.remedy.perhaps : words.remedy.inFront(kFrontNames[front]), { class: 'where' }),
      node('pre', lines, { tabindex: 0 }));
  } else if (front !== '' && problem !== 'ends' && problem !== 'fields') {
    card.append(node('p', words.remedy.other));
  }
  if (kBrokerLines[problem]) {
    const seconds = Math.max(1, Math.floor((facts.idle?.lived ?? 10_000) / 2000));
    card.append(node('p', lines ? words.remedy.broker : words.remedy.brokerOnly, { class: 'where' }),
      node('pre', kBrokerLines[problem](seconds), { tabindex: 0 }));
  }
  return card;
}

function show() {
  const words = kWords[language];
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  document.title = words.page;
  for (const each of document.querySelectorAll('[data-word]')) each.textContent = words[each.dataset.word];
  for (const each of document.querySelectorAll('[data-language]')) each.setAttribute('aria-pressed', each.dataset.language === language);
  for (const name of kOrder) showProbe(name);
  const all = Object.values(results);
  const count = (state) => all.filter((one) => one.state === state).length;
  const state = facts.echo && !facts.echo.seen ? 'closed' : count('run') > 0 ? 'run' : count('bad') > 0 ? 'bad' : count('note') > 0 ? 'note' : 'good';
  const wantsToken = [401, 403].includes(facts.echo?.status);
  const [title, text] = words.verdict[state === 'closed' && wantsToken ? 'token' : state];
  const number = state === 'run' ? count('run') : count(state);
  element('#verdict').dataset.state = state === 'closed' ? 'bad' : state;
  element('#verdict h2').textContent = typeof title === 'function' ? title(number) : title;
  element('#verdict p').textContent = state === 'closed' ? results.way.say(words) : text(number);
  const inOrder = [...all.filter((one) => one.state === 'bad'), ...all.filter((one) => one.state === 'note')];
  const problems = [...new Set(inOrder.map(({ problem }) => problem).filter((problem) => problem && problem !== 'none'))];
  const settled = state !== 'run' && state !== 'closed';
  element('#probes').hidden = state === 'closed';
  element('#remedies').hidden = !settled || problems.length === 0;
  element('#remedies div').replaceChildren(...(settled ? problems.map(remedy) : []));
  element('#report pre').textContent = report();
  document.documentElement.dataset.state = state;
}

const report = () => JSON.stringify({ page: location.origin + location.pathname, browser: navigator.userAgent, ...facts,
  results: Object.fromEntries(kOrder.map((name) => [name, results[name].state])) }, (_, value) =>
  (typeof value === 'number' ? Math.round(value * 10) / 10 : value), 1);

async function run() {
  facts = {};
  results = Object.fromEntries(kOrder.map((name) => [name, { state: 'run', say: (w) => w.running }]));
  show();
  const settle = (name, result) => { results[name] = result; show(); };
  facts.echo = await echo();
  const answered = facts.echo.seen !== undefined;
  facts.front = answered ? recognise(facts.echo) : '';
  if (!answered) {
    for (const name of kOrder) results[name] = { state: 'note', say: (w) => w.unknown };
    return settle('way', wayOf(facts.echo, ''));
  }
  settle('way', wayOf(facts.echo, facts.front));
  const beat = facts.echo.seen.heartbeat_ms;
  const silent = idle(patience, (ms) => {
    results.idle = { state: 'run', say: (w) => w.idleRunning(Math.min(ms, patience), patience) };
    showProbe('idle');
  });
  await Promise.all([
    stream().then((found) => {
      facts.stream = found;
      results.fields = fieldsOf(facts.echo, found);
      results.compress = compressOf(found);
      settle('stream', streamOf(found));
    }),
    Promise.all([end('complete'), end('come-back')]).then(([complete, comeBack]) => {
      facts.ends = { complete, comeBack };
      settle('ends', endsOf(complete, comeBack));
    }),
    eventSource().then((found) => { facts.source = found; settle('source', sourceOf(found)); }),
    silent.then((found) => { facts.idle = found; settle('idle', idleOf(found, beat)); }),
  ]);
}

for (const name of kOrder) {
  const row = node('li', undefined, { 'data-probe': name, 'data-state': 'run' });
  row.append(node('span', '', { class: 'sign', 'aria-hidden': 'true' }), node('h3'), node('p'));
  element('#probes').append(row);
}
for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () => { language = button.dataset.language; show(); });
}
element('#again').addEventListener('click', run);
element('#copy').addEventListener('click', async () => {
  await navigator.clipboard?.writeText(report()).then(() => { element('#copy').textContent = kWords[language].copied; }, () => {});
});
run();
