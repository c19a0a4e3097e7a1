// Two languages, one switch. Elements with data-say="key" show words[language][key]; pages build
// the rest with say(). The choice is remembered in this browser.
const kKey = 'fanfare-language';

function preferred() {
  const asked = new URLSearchParams(location.search).get('lang') ?? stored();
  if (asked === 'zh' || asked === 'en') return asked;
  return (navigator.language ?? '').toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

// Storage may be forbidden (a kiosk in private mode); then nothing is remembered.
function stored() {
  try {
    return localStorage.getItem(kKey);
  } catch {
    return null;
  }
}

export class Language {
  constructor(table, onChange) {
    this.table = table;
    this.onChange = onChange;
    this.name = preferred();
    const button = document.querySelector('#language');
    button.addEventListener('click', () => this.switchTo(this.name === 'zh' ? 'en' : 'zh'));
    this.apply();
  }

  // The words as they are written down; a key that has none shows itself.
  words(key) {
    return this.table[this.name][key] ?? key;
  }

  // `values` replace {name} in the words.
  say(key, values = {}) {
    return this.words(key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
  }

  switchTo(name) {
    this.name = name;
    try {
      localStorage.setItem(kKey, name);
    } catch {
      // Not remembered, see stored().
    }
    this.apply();
    this.onChange();
  }

  apply() {
    document.documentElement.lang = this.name === 'zh' ? 'zh-CN' : 'en';
    for (const element of document.querySelectorAll('[data-say]')) {
      element.textContent = this.say(element.dataset.say);
    }
    document.title = this.say('title');
    // The button offers the other language, in that language.
    const button = document.querySelector('#language');
    button.textContent = this.name === 'zh' ? 'English' : '中文';
    button.lang = this.name === 'zh' ? 'en' : 'zh-CN';
  }
}
