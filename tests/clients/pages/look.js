// How the pages look, and the list on which they write what happens to them: note('open', {state: 1}).
document.head.insertAdjacentHTML('beforeend', `<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; color: #1c2733; }
  h1 { font-size: 1.3rem; } button { font: inherit; padding: .2rem .8rem; margin-right: .5rem; }
  li { font-family: ui-monospace, monospace; font-size: .9rem; } output { white-space: pre-wrap; display: block;
  background: #f2f5f8; border-radius: 6px; padding: 1rem; min-height: 3rem; }
</style>`);
window.seen = [];
const list = document.querySelector('#log');
export function note(what, more = {}) {
  window.seen.push({ what, ...more });
  if (!list) return;
  const line = document.createElement('li');
  line.textContent = `${what} ${JSON.stringify(more)}`;
  list.append(line);
}
