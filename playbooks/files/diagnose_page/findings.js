// What is wrong, first. Findings with the same cause and title are one card: a fleet often has one fault many times.

function findingGroups(list) {
  return [...groupBy(list, (one) => one.item.cause + '\n' + one.item.title).values()];
}

const CONFIDENCE = { certain: 'amiss', likely: 'likely', possible: 'possible' };

function findingCard(group) {
  const first = group[0].item;
  const boards = new Set(group.flatMap((one) => one.boards));
  const others = group.slice(1);
  return el(
    'li',
    { class: 'card finding ' + (CONFIDENCE[first.confidence] || 'unknown') },
    el('h3', { tabindex: '-1' }, first.title),
    el(
      'p',
      { class: 'meta' },
      badge(CONFIDENCE[first.confidence] || 'unknown', first.confidence),
      boards.size > 1 ? el('span', {}, count(boards.size, 'board')) : null,
      el('code', { class: 'quiet' }, first.cause),
    ),
    findingBody(first),
    others.length ? details(count(others.length, 'more finding') + ' with this cause', () => otherFindings(others)) : null,
  );
}

function findingBody(finding) {
  const subject = finding.subject || {};
  return el(
    'div',
    { class: 'body' },
    el('p', { class: 'subject' }, subjectOf(subject)),
    el('div', {}, el('h4', {}, 'Evidence'), el('ul', { class: 'evidence' }, finding.evidence.map((text) => el('li', {}, text)))),
    el('div', {}, el('h4', {}, 'What to do'), el('p', {}, finding.remedy), el('p', {}, 'Who mends it: ' + finding.mended_by), finding.command ? command(finding.command, finding.run_on) : null),
    finding.pods.length ? details('Explains ' + count(finding.pods.length, 'pod'), () => explained(finding.pods)) : null,
  );
}

function subjectOf(subject) {
  const onBoard = subject.board ? look(subject.board, 'board:' + subject.board, 'boards') : null;
  if (subject.kind === 'board' || !subject.kind) return [onBoard || 'The cluster'];
  return [subject.kind + ' ', el('code', {}, subject.name || ''), onBoard ? ' on ' : '', onBoard];
}

function explained(pods) {
  const list = el('ul', { class: 'plain' });
  const name = (pod) => look(pod.pod, (pod.board ? 'board:' + pod.board + ' ' : '') + pod.pod, 'pods');
  const more = paged(list, pods, 20, (pod) => el('li', {}, name(pod), pod.board ? ' on ' + pod.board : ''), 'pod');
  return el('div', {}, list, more);
}

function otherFindings(others) {
  const list = el('ul', { class: 'plain others' });
  const more = paged(list, others, 10, (one) => el('li', {}, findingBody(one.item)), 'finding');
  return el('div', {}, list, more);
}

function findingsSection(into, list) {
  const cards = el('ul', { class: 'plain cards' });
  into.append(cards, paged(cards, findingGroups(list), 12, findingCard, 'finding'));
}

function collectSection(into, list) {
  const cards = el('ul', { class: 'plain cards' });
  const card = ({ item }) =>
    el(
      'li',
      { class: 'card' },
      el('h3', { tabindex: '-1' }, item.pod || 'The cluster'),
      el('p', {}, item.text),
      item.command ? command(item.command, item.board) : null,
    );
  into.append(cards, paged(cards, list, 12, card, 'entry'));
}
