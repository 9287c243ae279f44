// What the boards hold, by content: a name that stands for two contents in the fleet has two rows.

const IMAGE_COLUMNS = ['Image', 'Digest', 'Architecture', 'Size', 'Boards'];
const IMAGE_STATES = { fine: 'Fits', amiss: 'Other architecture', unknown: 'Not known' };

function imageRow(group) {
  const { item: image, state } = group[0];
  const boards = group.map((one) => one.item.board);
  const wanted = group.filter((one) => one.item.wanted).length;
  const pinned = group.filter((one) => one.item.pinned).length;
  const notes = [wanted ? 'wanted' : 'not wanted by k3s', pinned === group.length ? 'pinned' : pinned ? 'pinned on ' + number(pinned) : null];
  const line = row(IMAGE_COLUMNS, [
    [el('span', { class: 'name' }, image.name), el('span', { class: 'quiet block' }, notes.filter(Boolean).join(', '))],
    digestCell(image.digest),
    [badge(state, image.platforms.join(', ') || 'none'), state === 'amiss' ? el('span', { class: 'quiet block' }, misfit(boards)) : null],
    bytes(image.size) || 'not known',
    boards.length === 1 ? look(boards[0], 'board:' + boards[0], 'boards') : details(count(boards.length, 'board'), () => boardList(boards)),
  ]);
  line.className = state;
  return line;
}

function misfit(boards) {
  const own = [...new Set(boards.map((board) => architectures.get(board)))];
  return 'its board is ' + own.join(', ');
}

function digestCell(digest) {
  if (!digest) return 'not known';
  const hash = digest.split(':')[1] || digest;
  return details(el('code', {}, hash.slice(0, 12)), () => el('code', { class: 'break' }, digest));
}

function boardList(boards) {
  const list = el('ul', { class: 'plain' });
  return el('div', {}, list, paged(list, boards, 50, (board) => el('li', {}, look(board, 'board:' + board, 'boards')), 'board'));
}

function imagesSection(into, list) {
  const key = ({ item, state }) => [item.name, item.digest, item.platforms.join(), state].join('\n');
  const groups = [...groupBy(list, key).values()];
  groups.sort((a, b) => ORDER[a[0].state] - ORDER[b[0].state] || (a[0].item.name < b[0].item.name ? -1 : Number(a[0].item.name > b[0].item.name)));
  const { element, body } = table('Images that the boards hold', IMAGE_COLUMNS, 'images');
  into.append(element, paged(body, groups, 40, imageRow, 'image'));
}
