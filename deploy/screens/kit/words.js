// What the screens say by themselves, in English and Chinese, and what their reader has chosen.
const kWords = {
  en: {
    connecting: 'Connecting', waiting: 'Connected', waiting_more: 'no event yet', live: 'Live', away: 'Reconnecting',
    away_more: 'data as of {time}', silent: 'No new data', silent_more: 'for {for}', refused: 'Refused', refused_more: 'trying again',
    recovered: 'Recovered', recovered_more: 'caught up after {for}: {count}', gap: 'Gap', old: '{for} old', doubt: 'before the gap',
    warn: 'Warning', alarm: 'Alarm', of: 'of {count}', none: 'nothing yet', curve: '{label}: {low} to {high}, now {now}',
    dark: 'Dark', light: 'Light', full: 'Full screen', other: '中文',
    journal_live: 'Connected', journal_away: 'Connection lost', journal_silent: 'Silence: connecting anew', journal_refused: 'Refused; trying again',
    journal_recovered: 'Recovered after {for}, nothing lost; caught up: {count}', journal_gap: 'Gap: {reason}',
    journal_conflated: 'Newest values only: this screen was behind', journal_clock: 'This screen’s clock is off by {for}',
    restarted: 'broker restarted', evicted: 'away for too long', slow: 'this screen was too slow', unknown: 'unknown position', limit: 'too many channels',
    curtain: 'no contact',
  },
  zh: {
    connecting: '正在连接', waiting: '已连接', waiting_more: '尚无事件', live: '实时', away: '重新连接中',
    away_more: '数据截至 {time}', silent: '没有新数据', silent_more: '已 {for}', refused: '被拒绝', refused_more: '稍后重试',
    recovered: '已恢复', recovered_more: '中断 {for}，补齐 {count} 条', gap: '缺口', old: '{for}前', doubt: '缺口之前',
    warn: '注意', alarm: '报警', of: '共 {count}', none: '暂无', curve: '{label}：{low} 至 {high}，当前 {now}',
    dark: '深色', light: '浅色', full: '全屏', other: 'English',
    journal_live: '已连接', journal_away: '连接中断', journal_silent: '没有动静，重新连接', journal_refused: '被拒绝，稍后重试',
    journal_recovered: '中断 {for} 后恢复，没有丢失，补齐 {count} 条', journal_gap: '缺口：{reason}',
    journal_conflated: '本屏落后，只取最新值', journal_clock: '本屏时钟偏差 {for}',
    restarted: '服务重启', evicted: '离开太久', slow: '本屏读取过慢', unknown: '位置未知', limit: '频道过多',
    curtain: '失联',
  },
};

// ---- This browser's choices: in the address (?lang=zh&theme=light), else as they were last time, else as the browser is set.
export const asked = new URLSearchParams(location.search);
export function stored(name) {
  try {
    return localStorage.getItem(`screen-${name}`);
  } catch {
    return null; // a kiosk may forbid storage
  }
}
export function store(name, value) {
  try {
    localStorage.setItem(`screen-${name}`, value);
  } catch {
    // Not remembered.
  }
}
export const one = (list, ...wishes) => wishes.find((wish) => list.includes(wish));
export let language = one(['en', 'zh'], asked.get('lang'), stored('lang'), (navigator.language ?? '').slice(0, 2)) ?? 'en';
let pageWords = {}; // {"zh": {"running": "运行"}}, from <script type="application/json" id="words">

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
export const say = (name, values = {}) => fill(kWords[language][name] ?? name, values);
// What the data calls something, in the reader's language, if the page knows a word for it.
export const word = (text) => (Object.hasOwn(pageWords[language] ?? {}, text) ? pageWords[language][text] : text);
// An attribute in the reader's language: label-zh, or else label.
export const said = (element, name) => element.getAttribute(`${name}-${language}`) ?? element.getAttribute(name) ?? '';

export function speak(name) { language = name; }
// {"zh": {"running": "运行"}}: the page's own words for what its data says.
export function learn(found) { pageWords = found; }
