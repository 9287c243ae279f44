// The fleet: how many boards are in which state, and a tile for each.

const BOARD_STATES = { unreached: 'Not reached', amiss: 'Needs a look', fine: 'Healthy' };
const LEGEND = { unreached: 'not reached', amiss: 'to look at', fine: 'healthy' };

function fleetBar(into) {
  const total = model.boards.length;
  const amounts = Object.keys(BOARD_STATES).map((state) => [state, model.boards.filter((one) => one.state === state).length]);
  const parts = amounts.filter((pair) => pair[1]);
  const strip = el('div', { class: 'strip', 'aria-hidden': 'true' });
  parts.forEach(([state, amount]) => {
    const part = el('span', { class: state });
    part.style.flexGrow = amount / total;
    strip.append(part);
  });
  const legend = amounts.map(([state, amount]) => el('li', {}, shape(state), el('strong', {}, number(amount)), ' ' + LEGEND[state]));
  into.append(strip, el('ul', { class: 'legend' }, legend));
}

function boardTile({ item: board, state }) {
  return el(
    'li',
    { class: 'tile ' + state },
    el('h3', {}, look(board.name, 'board:' + board.name, 'boards')),
    badge(state, BOARD_STATES[state]),
    board.error ? el('p', { class: 'error' }, board.error) : null,
    board.observed ? boardLines(board) : null,
    board.observed ? details(boardSummary(board), () => boardDetails(board)) : null,
  );
}

function boardLines(board) {
  const about = [board.role, board.architecture, board.k3s].filter(Boolean).join(' \u00b7 ');
  const lines = [el('p', { class: 'quiet' }, about)];
  lines.push(el('p', {}, count(board.pods || 0, 'pod') + (board.unready ? ', ' + number(board.unready) + ' not ready' : '')));
  if (board.ready === false) lines.push(el('p', { class: 'error' }, 'The node is not Ready'));
  if (board.running === false) lines.push(el('p', { class: 'error' }, 'containerd does not answer'));
  return el('div', {}, lines);
}

function boardSummary(board) {
  const missing = board.preflight.filter((one) => one.state === 'missing').length;
  if (missing) return 'System: ' + missing + ' missing';
  return board.errors.length ? 'System: ' + board.errors.length + ' not read' : 'System';
}

function diskUse(disk) {
  if (!disk || !disk.size || disk.available === null) return null;
  const gauge = el('span', { class: 'gauge', 'aria-hidden': 'true' }, el('span', {}));
  gauge.firstChild.style.width = Math.round(100 * (1 - disk.available / disk.size)) + '%';
  return [bytes(disk.available) + ' free of ' + bytes(disk.size), gauge];
}

function skew(seconds) {
  if (seconds === null) return null;
  return Math.abs(seconds) < 1 ? 'in step' : Math.abs(seconds) + ' s ' + (seconds > 0 ? 'ahead' : 'behind');
}

const PREFLIGHT = { ok: 'fine', missing: 'amiss', unknown: 'unknown' };

function boardDetails(board) {
  const checks = board.preflight.map((one) =>
    el('li', {}, badge(PREFLIGHT[one.state] || 'unknown', one.name + ': ' + one.state), el('p', { class: 'quiet' }, [one.needed_for, one.detail].filter(Boolean).join('; '))),
  );
  const unread = board.errors.map((one) => el('li', {}, badge('amiss', one.section), el('p', { class: 'quiet' }, one.message || 'exit code ' + one.rc)));
  return el(
    'div',
    {},
    facts([
      ['Host', board.hostname],
      ['Node', board.node],
      ['Address', board.internal_ip],
      ['Machine', board.machine],
      ['containerd', board.containerd],
      ['Disk', diskUse(board.disk)],
      ['Clock', skew(board.clock_skew)],
    ]),
    unread.length ? [el('h4', {}, 'Could not be read'), el('ul', { class: 'plain' }, unread)] : [],
    checks.length ? [el('h4', {}, 'Kernel and system'), el('ul', { class: 'plain' }, checks)] : [],
  );
}

function boardsSection(into, list) {
  const tiles = el('ul', { class: 'plain tiles' });
  into.append(tiles, paged(tiles, list, 48, boardTile, 'board'));
}
