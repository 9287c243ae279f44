// Elements that several sections use. Texts of the data reach the page as text nodes only, never as HTML.

function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  Object.entries(attributes || {}).forEach(([name, value]) => {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  });
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ''));
  return element;
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.append(...children);
  return element;
}

// A shape for each state, so that colour is never all there is; the text stands beside it.
const SHAPES = {
  fine: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM4.6 8.2l2.3 2.3l4.5-4.7',
  amiss: 'M8 1.8L15 14.2H1zM8 6v4M8 11.6v.9',
  unreached: 'M2 2h12v12H2zM5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6',
  unknown: 'M8 1L15 8L8 15L1 8zM8 4.8v4M8 10.4v.9',
  earlier: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM8 4.5V8l2.5 1.7',
  likely: 'M8 1.8L15 14.2H1z',
  possible: 'M8 1L15 8L8 15L1 8z',
};

function shape(kind) {
  return svg('svg', { class: 'shape ' + kind, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: SHAPES[kind] }));
}

function badge(kind, text) {
  return el('span', { class: 'badge ' + kind }, shape(kind), text);
}

function number(value) {
  return value.toLocaleString('en-US');
}

function count(amount, noun) {
  return number(amount) + ' ' + noun + (amount === 1 ? '' : 's');
}

function bytes(value) {
  if (value === null) return null;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let step = 0;
  for (; value >= 1024 && step < units.length - 1; step += 1) value /= 1024;
  return (step && value < 100 ? value.toFixed(1) : Math.round(value)) + ' ' + units[step];
}

function clock(time) {
  if (!time) return null;
  return el('time', { datetime: time }, time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC'));
}

// "8 min" from `time` to when the data was made.
function age(time) {
  const seconds = (Date.parse(data.generated) - Date.parse(time)) / 1000;
  if (!(seconds >= 0)) return null;
  const [unit, size] = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]].find((one) => seconds >= one[1]) || ['s', 1];
  return Math.floor(seconds / size) + ' ' + unit;
}

// A list of names and values; what is not known is left out.
function facts(pairs) {
  const known = pairs.filter((pair) => pair[1] !== null && pair[1] !== undefined && pair[1] !== '');
  return el('dl', { class: 'facts' }, known.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

// Opens on demand: what is inside is made when it is first looked at.
function details(summary, build) {
  const element = el('details', {}, el('summary', {}, summary));
  element.addEventListener('toggle', () => {
    if (element.open && element.children.length === 1) element.append(build());
  });
  return element;
}

function command(text, runOn) {
  const code = el('code', {}, text);
  const button = el('button', { type: 'button', class: 'copy' }, 'Copy');
  button.setAttribute('aria-label', 'Copy the command');
  button.addEventListener('click', () => copy(text, code, button));
  const where = runOn ? (runOn === 'controller' ? 'Run on the controller' : 'Run on ' + runOn) : 'Run';
  return el('div', { class: 'command' }, el('span', { class: 'where' }, where), el('pre', {}, code), button);
}

function copy(text, code, button) {
  const told = document.getElementById('copied');
  const say = (short, long) => {
    button.textContent = short;
    told.textContent = long;
    setTimeout(() => {
      button.textContent = 'Copy';
      told.textContent = '';
    }, 2500);
  };
  // Where the browser does not let a file write to the clipboard, the command is selected for the user to copy.
  const select = () => {
    getSelection().selectAllChildren(code);
    say('Selected', 'The command is selected. Copy it with the keyboard.');
  };
  if (!navigator.clipboard) select();
  else navigator.clipboard.writeText(text).then(() => say('Copied', 'The command was copied.'), select);
}

// Puts the first items into `list`, and the others when they are asked for: a page of a thousand boards stays light.
function paged(list, items, step, render, noun) {
  let shown = 0;
  const more = el('button', { type: 'button', class: 'more' });
  const grow = () => {
    const fresh = items.slice(shown, shown + step).map(render);
    list.append(...fresh);
    shown += fresh.length;
    const left = items.length - shown;
    more.textContent = 'Show ' + number(Math.min(step, left)) + ' more of ' + count(left, noun);
    more.hidden = left === 0;
    return fresh;
  };
  more.addEventListener('click', () => {
    const [first] = grow();
    const target = first.querySelector('h3, button, summary') || first;
    if (target.tabIndex < 0) target.tabIndex = -1;
    target.focus();
  });
  grow();
  return more;
}

// Tables keep their roles, which a layout for narrow screens would take from them.
function table(caption, columns, className) {
  const head = el('tr', { role: 'row' }, columns.map((name) => el('th', { role: 'columnheader', scope: 'col' }, name)));
  const body = el('tbody', { role: 'rowgroup' });
  const element = el('table', { role: 'table', class: className }, el('caption', { class: 'unseen' }, caption), el('thead', { role: 'rowgroup' }, head), body);
  return { element, body };
}

function row(columns, cells) {
  return el('tr', { role: 'row' }, cells.map((cell, index) => el('td', { role: 'cell', 'data-label': columns[index] }, cell)));
}

function look(text, query, section) {
  return el('button', { type: 'button', class: 'link', onclick: () => show(query, section) }, text);
}
