// Both views of each pod, board by board.

const POD_STATES = { amiss: 'Needs a look', fine: 'Healthy', earlier: 'Earlier' };
const POD_COLUMNS = ['Pod', 'kubectl says', 'crictl says', 'Relation', 'Cause'];

function podRow({ item: pod, state }) {
  const button = el('button', { type: 'button', class: 'link', 'aria-expanded': 'false' }, pod.name);
  const name = [badge(state, POD_STATES[state]), ' ', el('span', { class: 'quiet' }, pod.namespace + '/'), button];
  const relation = [pod.relation || 'not known', pod.mismatch ? el('span', { class: 'quiet' }, ' ' + pod.mismatch) : null];
  const line = row(POD_COLUMNS, [name, pod.kubectl, pod.crictl, relation, podCause(pod)]);
  line.className = state;
  let opened = null;
  button.addEventListener('click', () => {
    if (opened) opened.remove();
    opened = opened ? null : el('tr', { role: 'row', class: 'opened' }, el('td', { role: 'cell', colspan: POD_COLUMNS.length }, podDetails(pod)));
    if (opened) line.after(opened);
    button.setAttribute('aria-expanded', String(Boolean(opened)));
  });
  return line;
}

function podCause(pod) {
  const finding = pod.finding === null ? null : data.findings[pod.finding];
  if (!finding) return pod.cause || el('span', { class: 'quiet' }, 'none');
  return [look(finding.title, finding.title, 'findings'), pod.cause ? el('span', { class: 'quiet block' }, pod.cause) : null];
}

function podDetails(pod) {
  const owner = pod.api && pod.api.owner;
  const labels = Object.entries(pod.labels || {}).map(([key, value]) => key + '=' + value);
  return el(
    'div',
    { class: 'inner' },
    facts([
      ['Sandbox', pod.sandbox_id],
      ['Attempt', pod.attempt === null ? null : String(pod.attempt)],
      ['Address', pod.ip],
      ['Network namespace', pod.network_namespace],
      ['Age', pod.created_at ? age(pod.created_at) : null],
      ['Created', clock(pod.created_at)],
      ['Owner', owner ? owner.kind + ' ' + owner.name : null],
      ['Node', pod.node],
      ['UID', pod.uid],
      ['Labels', labels.join(', ')],
    ]),
    pod.containers.map(containerDetails),
  );
}

function containerDetails(container) {
  return el(
    'div',
    { class: 'container' },
    el('h4', {}, 'Container ' + container.name),
    facts([
      ['State', [container.state, container.reason].filter(Boolean).join(', ')],
      ['Exit code', container.exit_code === null ? null : String(container.exit_code)],
      ['Restarts', container.restarts === null ? null : String(container.restarts)],
      ['Image', container.image],
      ['Image ID', container.image_id],
      ['ID', container.id],
    ]),
    container.log.length ? [el('p', { class: 'quiet' }, 'Last lines of its log'), el('pre', {}, container.log.join('\n'))] : [],
  );
}

function boardPods([board, pods]) {
  const { element, body } = table('Pods on ' + (board || 'no board'), POD_COLUMNS, 'pods');
  const amiss = pods.filter((one) => one.state === 'amiss').length;
  return el(
    'section',
    { class: 'group' },
    el('h3', { tabindex: '-1' }, board || 'On no board yet', el('span', { class: 'quiet' }, ' ' + count(pods.length, 'pod') + (amiss ? ', ' + number(amiss) + ' to look at' : ''))),
    element,
    paged(body, pods, 30, podRow, 'pod'),
  );
}

function podsSection(into, list) {
  const rank = (name) => (boardRank.has(name) ? boardRank.get(name) : -1);
  const groups = [...groupBy(list, (one) => one.item.board)].sort((a, b) => rank(a[0]) - rank(b[0]));
  const holder = el('div', {});
  into.append(holder, paged(holder, groups, 12, boardPods, 'board'));
}
