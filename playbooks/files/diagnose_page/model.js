// The data, what follows from it, and the search. No element of the page is touched here.

const data = JSON.parse(document.getElementById('data').textContent, printableValue);

function podName(pod) {
  return pod.namespace + '/' + pod.name;
}

function boardState(board) {
  if (!board.observed) return 'unreached';
  const amiss = board.findings || board.unready || board.ready === false || board.running === false || board.errors.length;
  return amiss ? 'amiss' : 'fine';
}

function podState(pod) {
  if (pod.finding !== null) return 'amiss';
  if (pod.relation === 'previous') return 'earlier';
  const unready = pod.api && !pod.api.ready && pod.api.phase !== 'Succeeded';
  return pod.cause || unready ? 'amiss' : 'fine';
}

// Whether an image has content for the board that holds it; null where that cannot be said.
function imageFits(image) {
  const architecture = architectures.get(image.board);
  if (!architecture || !image.platforms.length) return null;
  return image.platforms.some((platform) => platform.split('/')[1] === architecture);
}

function imageState(image) {
  const fits = imageFits(image);
  if (fits === null) return 'unknown';
  return fits ? 'fine' : 'amiss';
}

const architectures = new Map(data.boards.map((board) => [board.name, board.architecture]));

// One entry an item of the page: the item, its state, the boards it belongs to. The text for the search is made when it is first needed.
function entry(item, state, boards) {
  return { item, state, boards, text: null };
}

function findingBoards(finding) {
  return [finding.subject && finding.subject.board, ...finding.pods.map((pod) => pod.board)].filter(Boolean);
}

const model = {
  findings: data.findings.map((item, index) => Object.assign(entry(item, 'amiss', findingBoards(item)), { index })),
  collect: data.collect.map((item) => entry(item, 'amiss', [item.board])),
  boards: data.boards.map((item) => entry(item, boardState(item), [item.name])),
  pods: data.pods.map((item) => entry(item, podState(item), [item.board])),
  images: data.images.map((item) => entry(item, imageState(item), [item.board])),
  events: data.events.map((item) => entry(item, item.type === 'Warning' ? 'amiss' : 'fine', [item.board])).reverse(),
};

// Worst first; the sort is stable, so names stay in order.
const ORDER = { unreached: 0, amiss: 1, unknown: 2, fine: 3, earlier: 4 };
model.boards.sort((a, b) => ORDER[a.state] - ORDER[b.state]);
const boardRank = new Map(model.boards.map((one, rank) => [one.item.name, rank]));

// Every text and number within a value. Of keys only those of labels count: they are the user's own.
function collectTexts(value, into) {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value !== 'object') into.push(value);
  else Object.values(value).forEach((one) => collectTexts(one, into));
}

function searchText(item) {
  const into = [];
  collectTexts(item, into);
  Object.entries(item.labels || {}).forEach(([label, text]) => into.push(label + '=' + text));
  if (item.namespace && item.name) into.push(podName(item));
  return into.join('\n').toLowerCase();
}

function parseQuery(text) {
  const all = text.toLowerCase().split(/\s+/).filter(Boolean);
  const isBoard = (word) => word.startsWith('board:') && word.length > 6;
  return { words: all.filter((word) => !isBoard(word)), boards: all.filter(isBoard).map((word) => word.slice(6)) };
}

function matches(one, query, onlyAmiss) {
  if (onlyAmiss && one.state !== 'amiss' && one.state !== 'unreached') return false;
  if (!query.boards.every((name) => one.boards.some((board) => board !== null && board.toLowerCase() === name))) return false;
  if (!query.words.length) return true;
  if (one.text === null) one.text = searchText(one.item);
  return query.words.every((word) => one.text.includes(word));
}

function groupBy(list, key) {
  const groups = new Map();
  list.forEach((one) => {
    const name = key(one);
    if (groups.has(name)) groups.get(name).push(one);
    else groups.set(name, [one]);
  });
  return groups;
}
