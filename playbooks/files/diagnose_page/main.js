// Puts the page together, and makes it anew when the search changes.

const SECTIONS = [
  { id: 'findings', title: 'Findings', noun: 'finding', build: findingsSection, empty: 'Nothing was found to be wrong.' },
  { id: 'collect', title: 'What to collect', noun: 'hint', build: collectSection, optional: true },
  { id: 'boards', title: 'Boards', noun: 'board', build: boardsSection, empty: 'No board was asked for.' },
  { id: 'pods', title: 'Pods', noun: 'pod', build: podsSection, empty: 'No pod was seen.' },
  { id: 'images', title: 'Images', noun: 'image', build: imagesSection, empty: 'No image was seen.' },
  { id: 'events', title: 'Events', noun: 'event', build: eventsSection, empty: 'The API told of no event.' },
].filter((section) => !section.optional || model[section.id].length);

const byId = (id) => document.getElementById(id);

function verdict() {
  const total = model.boards.length;
  const bad = model.boards.filter((one) => one.state !== 'fine').length;
  if (!total) return 'No boards';
  if (bad) return number(bad) + ' of ' + count(total, 'board') + (bad === 1 ? ' needs a look' : ' need a look');
  if (data.findings.length) return count(data.findings.length, 'finding');
  return total === 1 ? 'The board is healthy' : 'All ' + number(total) + ' boards are healthy';
}

function head() {
  byId('verdict').textContent = verdict();
  document.title = verdict() + ' - k3s diagnosis';
  const amiss = model.pods.filter((one) => one.state === 'amiss').length;
  const pods = count(model.pods.length, 'pod') + (amiss ? ', ' + number(amiss) + ' to look at' : '');
  byId('summary').append(count(data.findings.length, 'finding') + ' \u00b7 ' + pods + ' \u00b7 as of ', clock(data.generated) || 'a time not known');
  if (model.boards.length) fleetBar(byId('fleet'));
}

function frame() {
  SECTIONS.forEach((section) => {
    section.amount = el('span', { class: 'amount' });
    section.content = el('div', {});
    section.heading = el('h2', { tabindex: '-1', id: section.id }, section.title);
    section.told = el('span', { class: 'amount' });
    section.heading.append(' ', section.told);
    byId('main').append(el('section', { 'aria-labelledby': section.id }, section.heading, section.content));
    byId('nav').append(el('li', {}, el('a', { href: '#' + section.id }, section.title, ' ', section.amount)));
  });
}

function update() {
  const text = byId('query').value;
  const query = parseQuery(text);
  const onlyAmiss = byId('amiss').checked;
  const narrowed = Boolean(text.trim()) || onlyAmiss;
  const told = SECTIONS.map((section) => {
    const all = model[section.id];
    const list = narrowed ? all.filter((one) => matches(one, query, onlyAmiss)) : all;
    const amount = narrowed ? number(list.length) + ' of ' + number(all.length) : number(all.length);
    section.amount.textContent = number(list.length);
    section.told.textContent = amount;
    section.content.replaceChildren();
    if (list.length) section.build(section.content, list);
    else section.content.append(el('p', { class: 'quiet empty' }, all.length ? 'Nothing here matches.' : section.empty));
    return count(list.length, section.noun);
  });
  byId('status').textContent = narrowed ? 'Shown: ' + told.join(', ') : '';
}

// Narrows the page to `query` and goes to a section; a link inside the page that a text of the data cannot break.
function show(query, id) {
  byId('query').value = query;
  byId('amiss').checked = false;
  update();
  const heading = byId(id);
  heading.focus({ preventScroll: true });
  heading.scrollIntoView();
}

let waiting = null;
function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(update, 120);
}

byId('query').addEventListener('input', soon);
byId('amiss').addEventListener('change', update);
byId('search').addEventListener('submit', (event) => event.preventDefault());
byId('search').addEventListener('reset', () => setTimeout(() => {
  update();
  byId('query').focus();
}));
head();
frame();
update();
performance.mark('riscv-k3s-ready');
