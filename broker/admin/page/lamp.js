// Lamp: shows a Stream's state in the header. After a reconnection it says for a while what came of
// it, because that is when somebody looks.
import { span } from '/assets/figures.js';

const kNewsMs = 20_000;

export class Lamp {
  constructor(element, stream, language) {
    this.element = element;
    this.stream = stream;
    this.language = language;
    this.news = null;
  }

  // What Stream's onRecovered reports.
  report(recovery) {
    if (recovery.awayMs > 0) this.news = { ...recovery, until: Date.now() + kNewsMs };
  }

  // `draining`: the broker said that it is about to stop.
  show(draining = false) {
    const { stream, language } = this;
    const say = (key, values) => language.say(key, values);
    const lasting = (ms) => span(ms / 1000, language.name);
    let name = stream.state;
    let word = say(name);
    let more = '';
    if (name === 'live' && draining) {
      [name, word, more] = ['silent', say('draining'), say('draining_more')];
    } else if (name === 'live' && this.news && this.news.until > Date.now()) {
      const { gap, awayMs, caughtUp } = this.news;
      name = gap ? 'gap' : 'recovered';
      word = say(name);
      more = gap
        ? `${say(`gap_${gap.reason}`)} · ${lasting(awayMs)}`
        : say('recovered_more', { for: lasting(awayMs), count: caughtUp });
    } else if (name === 'silent' || (name === 'away' && stream.lastEventAt > 0)) {
      more = say(`${name}_more`, { for: lasting(Math.round((Date.now() - stream.lastEventAt) / 1000) * 1000) });
    } else if (name === 'refused' || name === 'waiting') {
      more = say(`${name}_more`);
    }
    this.element.className = `lamp ${name === 'waiting' ? 'silent' : name}`;
    const [, wordElement, moreElement] = this.element.children;
    if (wordElement.textContent !== word) wordElement.textContent = word;
    if (moreElement.textContent !== more) moreElement.textContent = more;
  }
}
